"""The venue: every event is booked, written and followed up here and nowhere else."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from lossledger.engine.errors import ConfigError
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.contracts import Contract, decimal_text, div_half_even
from lossledger.simulator.landing import HOUSE_PREFIX, LandingZone
from lossledger.simulator.ledger import Ledger, Unit
from lossledger.simulator.lots import LotBook, check_lots
from lossledger.simulator.market import SCALES, Trader, margin_table
from lossledger.simulator.tables import fill_rows, text_rows
from lossledger.simulator.watch import MarginWatch
from lossledger.simulator.waterfall import Waterfall

MAKER, LIQUIDATOR = HOUSE_PREFIX + "mm", HOUSE_PREFIX + "liq"
TAKER_FEE_BP, MAKER_FEE_BP = 5, -1


def trade_fees(value: int) -> tuple[int, int]:
    """Fees of an ordinary trade, taker's and maker's, in ledger units; a negative one is a rebate."""
    return div_half_even(value * TAKER_FEE_BP, 10_000), div_half_even(value * MAKER_FEE_BP, 10_000)


class Venue:
    """State of the market at one moment, and the events that change it.

    Every event has a microsecond of its own (a trade's two sides share one), so nothing here depends
    on an order within a timestamp other than funding before ticks.
    """

    def __init__(self, config: MarketConfig, contracts: list[Contract], traders: list[Trader],
                 landing: LandingZone) -> None:  # fmt: skip
        self.config, self.contracts = config, contracts
        self.traders = {t.account_id: t for t in traders}
        self.rng = Random(f"market {config.seed}")
        self.marks = [c.start_ticks for c in contracts]
        self.previous_marks = list(self.marks)
        self.tables = [margin_table(c, tighter=False) for c in contracts]
        self.ledger, self.waterfall = Ledger(), Waterfall({})
        self.watch = MarginWatch(len(contracts))
        self.holders: list[dict[tuple[str, str, str], Unit]] = [{} for _ in contracts]
        self.written = {
            name: text_rows(landing, name)
            for name in ("transfers", "funding", "fund_movements", "venue_account_balances",
                         "venue_fund_balances")
        }  # fmt: skip
        self.written["fills"] = fill_rows(landing)
        takes_over = config.liquidations != "market"
        self.lots = [LotBook(c.direction) for c in contracts] if takes_over else []  # by contract index
        self.lent: Counter[str] = Counter()  # the liquidator's own money
        self.counts: Counter[str] = Counter()
        self.last_us = self.until_us = 0

    def stamp(self, wanted_us: int) -> int:
        """A timestamp of its own, at or after the one wanted and before the next tick."""
        self.last_us = max(wanted_us, self.last_us + 1)
        if self.last_us >= self.until_us:
            raise ConfigError("too many trades for a tick: lower --trades-per-account-day or --accounts")
        return self.last_us

    def house(self, account_id: str, currency: str) -> Unit:
        """A unit of one of the venue's own accounts."""
        return self.ledger.unit(account_id, currency, "", house=True)

    def takes_over(self, unit: Unit) -> bool:
        """Whether the unit is the liquidator's, whose results are the fund's."""
        return bool(self.lots) and unit.account_id == LIQUIDATOR

    def transfer(self, wanted_us: int, unit: Unit, amount: int, kind: str) -> None:
        """A deposit, withdrawal or margin transfer."""
        ts = self.stamp(wanted_us)
        self.counts["transfers"] += 1
        self.ledger.transfer(unit, amount)
        if self.takes_over(unit):
            self.lent[unit.currency] += amount
        self.written["transfers"].add((
            f"d{self.counts['transfers']:011d}", ts, unit.account_id, unit.currency, unit.isolation,
            decimal_text(amount, SCALES[unit.currency]), kind,
        ))  # fmt: skip
        self._follow_up(unit, ts, covers=False)

    def trade(
        self, wanted_us: int, contract: Contract, lots: int, ticks: int, buy: int, taker: Unit, maker: Unit,
        fees: tuple[int, int], kinds: tuple[str, str] = ("normal", "normal"),
    ) -> None:  # fmt: skip
        """Both sides of a trade: the taker buys (+1) or sells (-1), the maker does the opposite."""
        ts = self.stamp(wanted_us)
        self.counts["trades"] += 1
        results: list[tuple[Unit, int]] = []
        sides = zip((taker, maker), (buy, -buy), fees, kinds, "ab", strict=True)
        for unit, side, fee, kind, half in sides:
            self.ledger.fill(unit, contract, side, lots, ticks, fee)
            self.written["fills"].add((
                self.counts["trades"], half, ts, unit.account_id, contract, unit.isolation != "", side, ticks,
                lots, fee, SCALES[unit.currency], kind,
            ))  # fmt: skip
            self.counts[kind] += 1
            if self.takes_over(unit):
                made = self.lots[contract.index].fill(side, lots, contract.value(lots, ticks), fee)
                results += [(unit, result) for result in made]
            if kind == "liquidation" and not unit.house:
                self.waterfall.fee(unit.currency, fee)
            key = (unit.account_id, unit.currency, unit.isolation)
            if contract.index in unit.positions:
                self.holders[contract.index][key] = unit
            else:
                self.holders[contract.index].pop(key, None)
        self._settle_lots([(unit, result) for unit, result in results if result > 0])
        for unit, kind in ((taker, kinds[0]), (maker, kinds[1])):
            closed = kind == "liquidation" and not unit.house and not unit.positions
            if closed and unit.wallet > 0 and self.config.residual == "to_fund":
                self.waterfall.forfeit(self.ledger, unit)
            self._follow_up(unit, ts, covers=True)
        self._settle_lots([(unit, result) for unit, result in results if result < 0])

    def funding(self, ts: int, contract: Contract, rate: tuple[int, int]) -> None:
        """Funding of one contract at its last mark, paid by every holder to every holder."""
        ticks = self.marks[contract.index]
        units = list(self.holders[contract.index].values())
        wallets = [(unit, unit.wallet) for unit in units if self.takes_over(unit)]
        self.ledger.fund(units, contract, rate, ticks)
        for unit, before in wallets:
            self.waterfall.lot_funding(self.ledger, unit, unit.wallet - before)
        self.written["funding"].add(
            (ts, contract.instrument_id, decimal_text(*rate), contract.price_text(ticks))
        )
        for unit in units:
            self.watch.arm(unit, self.marks, self.tables)

    def fund_movement(self, ts: int, currency: str, amount: int, kind: str) -> None:
        """Money of the venue's own into or out of its fund."""
        self.counts["fund_movements"] += 1
        self.waterfall.external(currency, amount)
        self.written["fund_movements"].add((
            f"m{self.counts['fund_movements']:011d}", ts, currency,
            decimal_text(amount, SCALES[currency]), kind,
        ))  # fmt: skip

    def publish_balances(self, ts: int) -> None:
        """The venue's own figures at the end of a day.

        A client's statement shows 0 where the book has a receivable: a real difference of
        presentation, which the replay's reconciliation is meant to find.
        """
        wallets: Counter[tuple[str, str]] = Counter()
        for unit in self.ledger.units.values():
            if not unit.house:
                wallets[unit.account_id, unit.currency] += unit.wallet
        for (account_id, currency), wallet in sorted(wallets.items()):
            if wallet:
                shown = decimal_text(max(0, wallet), SCALES[currency])
                self.written["venue_account_balances"].add((ts, account_id, currency, shown))
        for currency, pool in sorted(self.waterfall.pools.items()):
            shown = decimal_text(pool.balance, SCALES[currency])
            self.written["venue_fund_balances"].add((ts, currency, shown))

    def check(self) -> None:
        """Raise MoneyNotConserved unless every ledger unit is accounted for."""
        self.ledger.check(self.marks)
        self.waterfall.check(self.ledger)
        for currency in sorted(self.lent):
            check_lots(self.house(LIQUIDATOR, currency), self.contracts, self.lots, self.lent[currency])

    def _settle_lots(self, results: Sequence[tuple[Unit, int]]) -> None:
        """Results of closings to the fund: gains before anybody draws, losses like any other deficit."""
        for unit, result in results:
            self.waterfall.lot_result(self.ledger, unit, result)
            self.counts["takeover_gains" if result > 0 else "deficits"] += 1

    def _follow_up(self, unit: Unit, ts: int, covers: bool) -> None:
        """What any event may lead to: a settlement below zero, and new wake-up marks."""
        if unit.house:
            return
        if not unit.positions and (unit.wallet < 0 or unit.debt):
            protected = covers and self.traders[unit.account_id].protected(ts)
            if self.waterfall.settle(self.ledger, unit, protected):
                self.counts["deficits"] += 1
        self.watch.arm(unit, self.marks, self.tables)
