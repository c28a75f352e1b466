"""What happens to a risk unit, and the market it happens in (rules.md sections 3 to 5).

Amounts are ledger units of the unit's currency, prices and quantities 10^-18, times microseconds UTC.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from typing import NamedTuple

from lossledger.engine.clock import iso
from lossledger.engine.errors import DataError
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory
from lossledger.engine.versions import Versions


class UnitKey(NamedTuple):
    """A risk unit: isolation is '' for cross margin or the instrument of an isolated position."""

    account_id: str
    currency: str
    isolation: str


class Trade(NamedTuple):
    """What tells a trade: venues number their trades per contract (rules.md section 4)."""

    instrument_id: str
    trade_id: str


class Transfer(NamedTuple):
    ts: int
    transfer_id: str
    amount: int


class Fill(NamedTuple):
    """`side`: +1 the account bought, −1 it sold; fee positive = paid.

    `met_by_adl`, of a liquidation fill or one of a liquidator: somebody was deleveraged against it. Of the same trade
    (instrument_id and trade_id) and timestamp there is an accepted fill of kind adl, of any account but a liquidator's.
    `met_by_liquidator`, of a liquidation fill: of the same trade and timestamp there is an accepted fill of an account
    of type liquidator (rules.md section 12).
    """

    ts: int
    fill_id: str
    trade_id: str
    instrument_id: str
    side: int
    price_e18: int
    quantity_e18: int
    fee: int
    kind: str
    met_by_adl: bool = False
    met_by_liquidator: bool = False


class Funding(NamedTuple):
    ts: int
    rate_e18: int
    price_e18: int


@dataclass
class TickSeries:
    """An instrument's ticks of the session in order of time; bid and ask may be None."""

    ts: list[int] = field(default_factory=list)
    mark: list[int] = field(default_factory=list)
    bid: list[int | None] = field(default_factory=list)
    ask: list[int | None] = field(default_factory=list)


NO_TICKS = TickSeries()


@dataclass
class Market:
    """What all units share in a session: contract terms, tick and lot sizes, tiers, marks, ticks and funding.

    `lot_sizes` are asked for where a simulated liquidation closes a part of a position.
    """

    contracts: dict[str, Contract]
    tick_sizes: dict[str, Versions[int]]  # in 10^-18
    tiers: dict[str, TierHistory]
    opening_marks: dict[str, int] = field(default_factory=dict)
    ticks: dict[str, TickSeries] = field(default_factory=dict)
    funding: dict[str, list[Funding]] = field(default_factory=dict)
    lot_sizes: dict[str, Versions[int]] = field(default_factory=dict)  # in 10^-18

    def tick_size(self, instrument_id: str, ts: int) -> int:
        """In 10^-18. DataError before the instrument's first version."""
        return _size(self.tick_sizes, instrument_id, ts)

    def lot_size(self, instrument_id: str, ts: int) -> int:
        """In 10^-18. DataError before the instrument's first version."""
        return _size(self.lot_sizes, instrument_id, ts)

    def mark_before(self, instrument_id: str, ts: int) -> int | None:
        """The mark in force just before the ticks of ts, None before the first tick."""
        series = self.ticks.get(instrument_id, NO_TICKS)
        index = bisect_left(series.ts, ts)
        return series.mark[index - 1] if index else self.opening_marks.get(instrument_id)

    def closing_marks(self) -> dict[str, int]:
        """The last mark of every instrument that has had a tick: next session's opening marks."""
        last = {i: series.mark[-1] for i, series in self.ticks.items() if series.ts}
        return self.opening_marks | last


def _size(sizes: dict[str, Versions[int]], instrument_id: str, ts: int) -> int:
    size = sizes[instrument_id].at(ts)
    if size is None:
        raise DataError(_unknown("instrument", instrument_id, ts))
    return size


def _unknown(what: str, name: str, ts: int) -> str:
    return (
        f"{what} {name} is unknown at {iso(ts)}, before its first valid_from: "
        f"add a version to LANDING/{what}s that is valid then"
    )


class AccountVersion(NamedTuple):
    client_class: str
    protected: bool


@dataclass(frozen=True)
class Account:
    """An account and its effective-dated versions; its type never changes (inputs.md)."""

    account_id: str
    account_type: str
    versions: Versions[AccountVersion]

    @property
    def is_client(self) -> bool:
        """Whether it is triggered, falls below zero and pays charges."""
        return self.account_type == "client"

    @property
    def is_house(self) -> bool:
        return self.account_type == "house"

    @property
    def is_liquidator(self) -> bool:
        """Whether it takes positions over on the fund's account."""
        return self.account_type == "liquidator"

    def at(self, ts: int) -> AccountVersion:
        """The version effective at ts. DataError before the first one."""
        version = self.versions.at(ts)
        if version is None:
            raise DataError(_unknown("account", self.account_id, ts))
        return version
