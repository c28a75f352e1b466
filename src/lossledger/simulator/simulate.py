"""Runs a market day by day, tick by tick, into a landing zone."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from lossledger.engine.errors import ConfigError
from lossledger.simulator.config import MarketConfig
from lossledger.simulator.contracts import Contract, mantissa_of
from lossledger.simulator.flow import Flow
from lossledger.simulator.landing import LandingZone
from lossledger.simulator.ledger import Unit
from lossledger.simulator.liquidator import Liquidator
from lossledger.simulator.market import (
    SCALES,
    Trader,
    build_contracts,
    build_traders,
    margin_table,
    units_per_usd,
)
from lossledger.simulator.prices import SYMBOLS, Paths, epoch_seconds, first_price, funding_rates
from lossledger.simulator.reference import write_reference
from lossledger.simulator.tick_rows import TickRows
from lossledger.simulator.venue import Venue
from lossledger.simulator.waterfall import Pool, close_session

if TYPE_CHECKING:
    from lossledger.simulator.prices import Ints

FUNDING_SECONDS = 8 * 3600
ACTIONS_SHARE = 0.9  # of the time between two ticks, so that late follow-ups still fit before the next


@dataclass(frozen=True)
class Summary:
    """What a run wrote: rows over all datasets, how often each thing happened, and the fund by currency."""

    rows: int
    first: date
    last: date
    counts: dict[str, int] = field(default_factory=dict)
    pools: dict[str, Pool] = field(default_factory=dict)


def simulate(config: MarketConfig, root: Path) -> Summary:
    """Write the market into an empty folder.

    Raises ConfigError for arguments that make no market, MoneyNotConserved for a defect of the simulator.
    """
    opening = _fund_opening(config)
    if config.prices == "real":
        for number in range(config.days):
            first_price(
                "BTCUSDT", config.start + timedelta(days=number)
            )  # refused before anything is written
    landing = LandingZone(
        root, config.format, config.rows_per_file, config.copies, config.untidy, config.whole_seconds
    )
    start_us = epoch_seconds(config.start) * 10**6
    contracts = build_contracts(config)
    traders = build_traders(config, contracts, start_us)
    write_reference(landing, config, contracts, traders, start_us)
    market = _Market(config, contracts, traders, landing)
    market.open_fund(start_us, opening)
    with _without_cycle_collection():
        for number in range(config.days):
            market.run_day(number)
    last = config.start + timedelta(days=config.days - 1)
    return Summary(
        landing.rows,
        config.start,
        last,
        dict(sorted(market.venue.counts.items())),
        dict(market.venue.waterfall.pools),
    )


def _fund_opening(config: MarketConfig) -> dict[str, int]:
    """The fund's first money in ledger units; raises ConfigError for what is no amount of its currency."""
    units = {}
    for currency, text in config.fund_opening.items():
        try:
            amount = Decimal(text).scaleb(SCALES[currency])
            units[currency] = int(amount)
        except (KeyError, ArithmeticError, ValueError):
            raise ConfigError(
                f"--fund-opening must be like USDT=50000 or BTC=0.5, not {currency}={text}"
            ) from None
        if amount != units[currency] or amount < 0:
            raise ConfigError(f"--fund-opening {currency}={text} is negative or finer than a ledger unit")
    return units


@contextmanager
def _without_cycle_collection() -> Iterator[None]:
    """Rows in buffers are many and form no cycles; looking for some costs a quarter of the run."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Market:
    """The venue, its clients and its clock."""

    def __init__(self, config: MarketConfig, contracts: list[Contract], traders: list[Trader],
                 landing: LandingZone) -> None:  # fmt: skip
        self.config, self.contracts = config, contracts
        self.venue = Venue(config, contracts, traders, landing)
        self.flow, self.liquidator = Flow(self.venue, traders), Liquidator(self.venue)
        self.paths = Paths(contracts, config.seed, config.tick_seconds, config.prices == "real")
        self.ticks = TickRows(landing, contracts)
        self.step_us = config.tick_seconds * 10**6
        self.actions_per_step = config.accounts * config.trades_per_account_day * config.tick_seconds / 86_400
        self.owed_actions = 0.0
        self.recheck_all = False

    def run_day(self, number: int) -> None:
        """One UTC day: what was due at its start, its ticks and actions, its closing checks."""
        import numpy as np

        venue, day = self.venue, self.config.start + timedelta(days=number)
        first_us = epoch_seconds(day) * 10**6
        name = day.isoformat()
        if number > 0:
            for unit in close_session(venue.ledger, venue.waterfall, self.config.sharing, venue.marks):
                venue.watch.arm(unit, venue.marks, venue.tables)
            venue.check()
        if number == 1:
            venue.tables = [margin_table(c, tighter=True) for c in self.contracts]
            self.recheck_all = True
        ts = first_us
        for chunk in self.paths.day(day):
            stamps = ts + self.step_us * np.arange(len(chunk), dtype=np.int64)
            self.ticks.add(name, stamps, chunk)
            for row in chunk:
                self._step(ts, row, opening=number == 0 and ts == first_us)
                ts += self.step_us
            for rows in venue.written.values():
                rows.flush(name)
        # Shares of a loss are whole units: copies of a client may be charged one more or less than it.
        if self.config.execution == "recorded" and self.config.copies == 1:
            venue.publish_balances(first_us + 86_400 * 10**6 - 1)
        venue.check()
        self.ticks.end_day(name)
        for rows in venue.written.values():
            rows.flush(name, all_rows=True)

    def open_fund(self, ts: int, opening: Mapping[str, int]) -> None:
        """First money of the fund: what is asked for, else a thousandth of the clients' wealth."""
        wealth = sum(t.wealth_usd for t in self.venue.traders.values())
        for currency in sorted({c.settlement for c in self.contracts}):
            default = int(wealth * 0.001 * units_per_usd(self.contracts, currency))
            self.venue.fund_movement(ts, currency, opening.get(currency, default), "opening")

    def _step(self, ts: int, row: "Ints", opening: bool) -> None:
        """Funding, the ticks of ts, who is below margin, then everybody's actions until the next tick."""
        venue = self.venue
        if ts // 10**6 % FUNDING_SECONDS == 0 and not opening:
            for contract in self.contracts:
                venue.funding(ts, contract, self._rate(contract, ts // 10**6))
        venue.previous_marks[:] = venue.marks
        venue.marks[:] = row.tolist()
        self._trigger(ts, row)
        venue.last_us, venue.until_us = ts, ts + self.step_us
        if opening:
            self.flow.fund_accounts(ts + 1)
        self.owed_actions += self.actions_per_step
        count = int(self.owed_actions)
        self.owed_actions -= count
        span = int(self.step_us * ACTIONS_SHARE)
        todo: list[tuple[int, int, Unit | Contract | None]] = [
            (ts + 1_000 + int(venue.rng.random() * span), n, None) for n in range(count)
        ]
        todo += [(max(due, ts + 1), count + n, what)
                 for n, (due, what) in enumerate(self.liquidator.due(ts + span))]  # fmt: skip
        for when, _, what in sorted(todo, key=lambda item: item[:2]):
            if what is None:
                self.flow.act(when)
            else:
                self.liquidator.act(when, what)

    def _trigger(self, ts: int, row: "Ints") -> None:
        import numpy as np

        venue = self.venue
        reached = np.flatnonzero((row <= venue.watch.low) | (row >= venue.watch.high))
        woken = [u for i in reached.tolist() for u in venue.watch.woken(i, venue.marks[i])]
        woken += self.liquidator.released()
        if self.recheck_all:
            woken = [u for u in venue.ledger.units.values() if u.positions and not u.house]
            self.recheck_all = False
        for unit in dict.fromkeys(woken):
            if unit.liquidating:
                continue
            if unit.equity(venue.marks) < unit.maintenance(venue.marks, venue.tables):
                self.liquidator.trigger(unit, ts)
            else:
                venue.watch.arm(unit, venue.marks, venue.tables)

    def _rate(self, contract: Contract, seconds: int) -> tuple[int, int]:
        """The bundled rate where there is one; else one drawn, in hundredths of a basis point."""
        if self.config.prices == "real" and contract.base + "USDT" in SYMBOLS:
            return mantissa_of(Decimal(funding_rates()[contract.base + "USDT", seconds]))
        return self.venue.rng.randrange(-150, 300), 6
