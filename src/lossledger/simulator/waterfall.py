"""The venue's insurance fund, negative balances and loss sharing (rules, sections 9 to 11)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lossledger.simulator.ledger import Ledger, MoneyNotConserved, Unit


@dataclass
class Pool:
    """One currency's fund and what became of its deficits, in ledger units since the start."""

    balance: int = 0
    external: int = 0
    fees: int = 0
    surplus: int = 0
    gains: int = 0
    takeover_funding: int = 0
    draws: int = 0
    shortfall: int = 0
    charged: int = 0
    uncovered: int = 0
    unprotected: int = 0
    session_shortfall: int = 0
    lot_losses: int = 0
    deficits: int = 0  # how many events, covered or not


class Waterfall:
    """Fund pools by currency, with a floor no draw goes below."""

    def __init__(self, floors: Mapping[str, int]) -> None:
        self.pools: defaultdict[str, Pool] = defaultdict(Pool)
        self._floors = floors

    def available(self, currency: str) -> int:
        """What the next deficit can draw, in ledger units."""
        return max(0, self.pools[currency].balance - self._floors.get(currency, 0))

    def external(self, currency: str, amount: int) -> None:
        """An opening, injection or withdrawal of the venue's."""
        self.pools[currency].balance += amount
        self.pools[currency].external += amount

    def fee(self, currency: str, amount: int) -> None:
        """A liquidation fee kept by the fund."""
        self.pools[currency].balance += amount
        self.pools[currency].fees += amount

    def forfeit(self, ledger: Ledger, unit: Unit) -> None:
        """Policy `residual: to_fund`: what a liquidated unit has left goes to the fund."""
        pool, amount = self.pools[unit.currency], unit.wallet
        pool.balance += amount
        pool.surplus += amount
        ledger.totals[unit.currency].surplus += amount
        unit.wallet = 0

    def settle(self, ledger: Ledger, unit: Unit, covers: bool) -> int:
        """Settle a flat unit below zero: cover it (`covers`) or book a receivable; the new deficit."""
        if unit.house or unit.positions:
            return 0
        loss = max(0, -unit.wallet) - unit.debt
        if loss <= 0 or not covers:
            unit.debt += loss
            if loss > 0:
                self.pools[unit.currency].unprotected += loss
                self.pools[unit.currency].deficits += 1
            return max(0, loss)
        self._cover(unit.currency, loss)
        unit.wallet += loss
        ledger.totals[unit.currency].resets += loss
        return loss

    def lot_result(self, ledger: Ledger, unit: Unit, result: int) -> None:
        """What the closing of a lot made, from the liquidator's wallet to the fund; a loss is a deficit."""
        pool = self.pools[unit.currency]
        unit.wallet -= result
        ledger.totals[unit.currency].taken_by_fund += result
        if result > 0:
            pool.balance += result
            pool.gains += result
        elif result < 0:
            pool.lot_losses -= result
            self._cover(unit.currency, -result)

    def lot_funding(self, ledger: Ledger, unit: Unit, received: int) -> None:
        """Funding on the liquidator's positions is the fund's, paid or received."""
        pool = self.pools[unit.currency]
        unit.wallet -= received
        ledger.totals[unit.currency].taken_by_fund += received
        pool.balance += received
        pool.takeover_funding += received

    def _cover(self, currency: str, loss: int) -> None:
        """Draw what there is; the rest is the session's to share."""
        pool = self.pools[currency]
        draw = min(loss, self.available(currency))
        pool.balance -= draw
        pool.draws += draw
        pool.shortfall += loss - draw
        pool.session_shortfall += loss - draw
        pool.deficits += 1

    def check(self, ledger: Ledger) -> None:
        """Assert that every deficit covered was drawn, charged or left uncovered, and the fund adds up."""
        for currency, pool in sorted(self.pools.items()):
            totals = ledger.totals[currency]
            taken = pool.gains + pool.takeover_funding
            if pool.balance != pool.external + pool.fees + pool.surplus + taken - pool.draws:
                raise MoneyNotConserved(f"{currency}: the fund's balance {pool.balance} is not its movements")
            if totals.resets + pool.lot_losses != pool.draws + pool.shortfall:
                raise MoneyNotConserved(f"{currency}: resets {totals.resets} are not draws + shortfall")
            if totals.taken_by_fund != taken - pool.lot_losses:
                raise MoneyNotConserved(
                    f"{currency}: results of lots {totals.taken_by_fund} are not the fund's"
                )
            if pool.shortfall != pool.charged + pool.uncovered + pool.session_shortfall:
                raise MoneyNotConserved(f"{currency}: shortfall {pool.shortfall} is not charged + uncovered")
            if totals.charges != pool.charged:
                raise MoneyNotConserved(f"{currency}: charges booked {totals.charges} are not {pool.charged}")


def largest_remainder(loss: int, bases: Mapping[str, int]) -> dict[str, int]:
    """Whole-unit shares of a loss below the sum of bases, ties to the smaller key; they sum to loss."""
    total = sum(bases.values())
    shares = {key: loss * basis // total for key, basis in bases.items()}
    left = loss - sum(shares.values())
    for key in sorted(bases, key=lambda k: (-(loss * bases[k] % total), k))[:left]:
        shares[key] += 1
    return shares


def close_session(ledger: Ledger, waterfall: Waterfall, sharing: str, marks: Sequence[int]) -> list[Unit]:
    """Share the session's shortfalls out at its end and start the next one; the units charged."""
    by_payer: defaultdict[tuple[str, str], list[Unit]] = defaultdict(list)
    for unit in ledger.units.values():
        if not unit.house:
            by_payer[unit.currency, unit.account_id].append(unit)
    charged: list[Unit] = []
    for currency in sorted(waterfall.pools):
        pool = waterfall.pools[currency]
        loss, pool.session_shortfall = pool.session_shortfall, 0
        if loss == 0:
            continue
        bases = _bases({a: u for (c, a), u in by_payer.items() if c == currency}, sharing, marks)
        shares = bases if loss >= sum(bases.values()) else largest_remainder(loss, bases)
        pool.charged += sum(shares.values())
        pool.uncovered += loss - sum(shares.values())
        for account_id in sorted(shares):
            charged += _charge(ledger, by_payer[currency, account_id], shares[account_id], marks)
    for unit in ledger.units.values():
        unit.profit, unit.opening_unrealised = 0, unit.unrealised(marks)
    return charged


def _bases(payers: Mapping[str, list[Unit]], sharing: str, marks: Sequence[int]) -> dict[str, int]:
    """What each account can be asked for: its session profit, or its equity, capped by what is there."""
    bases: dict[str, int] = {}
    for account_id, units in payers.items():
        cap = sum(max(0, u.equity(marks)) for u in units)
        basis = 0
        if sharing == "session_profit_prorata":
            profit = sum(u.profit + u.unrealised(marks) - u.opening_unrealised for u in units)
            basis = min(max(0, profit), cap)
        elif sharing == "equity_prorata":
            basis = max(0, sum(u.equity(marks) for u in units))
        if basis > 0:
            bases[account_id] = basis
    return bases


def _charge(ledger: Ledger, units: list[Unit], amount: int, marks: Sequence[int]) -> list[Unit]:
    """Take a charge from an account's units, the cross unit first, never below zero equity."""
    touched: list[Unit] = []
    for unit in sorted(units, key=lambda u: u.isolation):
        part = min(amount, max(0, unit.equity(marks)))
        if part:
            unit.wallet -= part
            ledger.totals[unit.currency].charges += part
            amount -= part
            touched.append(unit)
    if amount:
        raise MoneyNotConserved(f"a charge of account {units[0].account_id} exceeds its equity by {amount}")
    return touched
