"""The venue's own book: wallets, positions and the totals that prove no money is made or lost.

Conserved per currency, exactly: sum over units of (W - s d EV) moves by a trade's two sides as
-b d V and +b d V, so trades cancel to the last ledger unit; everything else is a named total.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lossledger.simulator.contracts import Contract, MarginTable, div_half_even


class MoneyNotConserved(AssertionError):
    """The book does not add up: a defect of the simulator, never of its arguments."""


class Position:
    """An open position: side +1 long or -1 short, size in lots, entry value in ledger units."""

    __slots__ = ("contract", "entry_value", "lots", "side")

    def __init__(self, contract: Contract, side: int, lots: int, entry_value: int) -> None:
        self.contract, self.side, self.lots, self.entry_value = contract, side, lots, entry_value

    def unrealised(self, ticks: int) -> int:
        """s d (V(|Q|, p) - EV) in ledger units."""
        contract = self.contract
        return self.side * contract.direction * (contract.value(self.lots, ticks) - self.entry_value)


class Unit:
    """A risk unit: one wallet and its positions by contract index (rules, section 3)."""

    __slots__ = ("account_id", "armed", "currency", "debt", "house", "isolation", "liquidating",
                 "opening_unrealised", "positions", "profit", "wallet")  # fmt: skip

    def __init__(self, account_id: str, currency: str, isolation: str, house: bool) -> None:
        self.account_id, self.currency, self.isolation, self.house = account_id, currency, isolation, house
        self.wallet = self.debt = self.profit = self.opening_unrealised = self.armed = 0
        self.positions: dict[int, Position] = {}
        self.liquidating = False

    def unrealised(self, marks: Sequence[int]) -> int:
        """Sum of unrealised PnL at these marks (ticks by contract index)."""
        return sum(p.unrealised(marks[i]) for i, p in self.positions.items())

    def equity(self, marks: Sequence[int]) -> int:
        """Wallet + unrealised PnL at these marks."""
        return self.wallet + self.unrealised(marks)

    def maintenance(self, marks: Sequence[int], tables: Sequence[MarginTable]) -> int:
        """Sum of maintenance margins at these marks."""
        return sum(
            tables[i].maintenance(p.contract.value(p.lots, marks[i])) for i, p in self.positions.items()
        )


@dataclass
class Totals:
    """Every way money enters, leaves or is rounded in one currency, in ledger units."""

    transfers: int = 0
    fees: int = 0
    funding_residue: int = 0  # funding received by all units together: rounding only
    resets: int = 0
    surplus: int = 0
    charges: int = 0
    taken_by_fund: int = 0  # results of lots and their funding, which the liquidator hands to the fund


class Ledger:
    """All units of the venue, and the totals their changes must add up to."""

    def __init__(self) -> None:
        self.units: dict[tuple[str, str, str], Unit] = {}
        self.totals: defaultdict[str, Totals] = defaultdict(Totals)

    def unit(self, account_id: str, currency: str, isolation: str = "", house: bool = False) -> Unit:
        """The unit with this key, opened with an empty wallet when it is new."""
        key = (account_id, currency, isolation)
        if key not in self.units:
            self.units[key] = Unit(account_id, currency, isolation, house)
        return self.units[key]

    def transfer(self, unit: Unit, amount: int) -> None:
        """W += amount."""
        unit.wallet += amount
        self.totals[unit.currency].transfers += amount

    def fill(self, unit: Unit, contract: Contract, buy: int, lots: int, ticks: int, fee: int) -> None:
        """One side of a trade (buy = +1, sell = -1), by rules.md section 5."""
        value = contract.value(lots, ticks)
        position = unit.positions.get(contract.index)
        realised = 0
        if position is not None and position.side != buy:
            out = min(lots, position.lots)
            closed_value = value if out == lots else div_half_even(value * out, lots)
            entry = position.entry_value
            entry_out = entry if out == position.lots else div_half_even(entry * out, position.lots)
            realised = position.side * contract.direction * (closed_value - entry_out)
            position.entry_value -= entry_out
            position.lots -= out
            lots, value = lots - out, value - closed_value
            if position.lots == 0:
                del unit.positions[contract.index]
                position = None
        if lots and position is None:
            unit.positions[contract.index] = Position(contract, buy, lots, value)
        elif lots and position is not None:
            position.lots += lots
            position.entry_value += value
        unit.wallet += realised - fee
        unit.profit += realised - fee
        self.totals[unit.currency].fees += fee

    def fund(self, units: Iterable[Unit], contract: Contract, rate: tuple[int, int], ticks: int) -> None:
        """Funding at rate = (mantissa, scale): W -= s x round(V x g) for every holder."""
        mantissa, scale = rate
        residue = holders = 0
        for unit in units:
            position = unit.positions[contract.index]
            paid = position.side * div_half_even(contract.value(position.lots, ticks) * mantissa, 10**scale)
            unit.wallet -= paid
            unit.profit -= paid
            residue -= paid
            holders += 1
        # Both V and the payment are rounded: half a unit each at most (funding rates are below 100 %).
        if abs(residue) > holders:
            raise MoneyNotConserved(f"funding of {contract.instrument_id} leaves {residue} ledger units")
        self.totals[contract.settlement].funding_residue += residue

    def check(self, marks: Sequence[int]) -> None:
        """Assert, over all units, that wallets, entry values, marks and quantities add up."""
        book: defaultdict[str, int] = defaultdict(int)
        equity: defaultdict[str, int] = defaultdict(int)
        mark_residue: defaultdict[str, int] = defaultdict(int)
        net_lots: defaultdict[str, int] = defaultdict(int)
        holders: defaultdict[str, int] = defaultdict(int)
        for unit in self.units.values():
            book[unit.currency] += unit.wallet
            equity[unit.currency] += unit.equity(marks)
            for index, p in unit.positions.items():
                sign = p.side * p.contract.direction
                book[unit.currency] -= sign * p.entry_value
                mark_residue[unit.currency] += sign * p.contract.value(p.lots, marks[index])
                net_lots[p.contract.instrument_id] += p.side * p.lots
                holders[unit.currency] += 1
        for instrument_id, lots in net_lots.items():
            if lots:
                raise MoneyNotConserved(f"positions in {instrument_id} net to {lots} lots")
        for currency in sorted(book):
            t = self.totals[currency]
            expected = t.transfers - t.fees + t.funding_residue + t.resets - t.surplus - t.charges
            expected -= t.taken_by_fund
            if book[currency] != expected:
                raise MoneyNotConserved(f"{currency}: wallets hold {book[currency]}, totals say {expected}")
            # The same sum at the marks differs by the rounding of each V, half a unit a position at most.
            if equity[currency] != expected + mark_residue[currency]:
                raise MoneyNotConserved(f"{currency}: equity {equity[currency]}, totals say {expected}")
            if 2 * abs(mark_residue[currency]) > holders[currency]:
                raise MoneyNotConserved(f"{currency}: marks leave {mark_residue[currency]} ledger units")
