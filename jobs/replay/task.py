"""What a worker does: read the state and the events of some buckets of accounts, and replay them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.errors import InvariantError
from engine.events import Fill, Funding, Market, TickSeries, Transfer, UnitKey
from engine.intake.policy import Policy
from engine.numbers import e18_to_units
from engine.rows import SessionRows, UnitPosition, UnitSession
from engine.rules.unit_rows import remember_marks
from engine.rules.units import UnitInput
from engine.session import Carried, carry_over
from jobs.replay.choice import replay_units
from schemas.core import Table
from schemas.ledger import MARKS, REPLAYED, TYPED, UNIT_CHARGES, UNIT_POSITIONS, UNIT_SESSIONS
from store.arrow import (
    arrow_schema,
    to_objects,
    to_rows,
    tuples_to_arrow,
)
from store.buckets import account_bucket
from store.delta import dataset, read
from store.opened import at_version
from store.reference import ReferenceData
from store.staging import Part, Staging

_TIME = pa.timestamp("us", tz="UTC")


@dataclass
class Source:
    """A Delta table pinned to a version, opened where it is read."""

    path: str
    version: int
    table: Table

    def read(self, filters: Any, partition: tuple[str, list[str]] | None = None) -> pa.Table:
        delta = at_version(self.path, self.version)
        partitions = [(partition[0], "in", partition[1])] if partition else None
        return read(self.table, delta, partitions, filters)

    def stream(
        self, filters: Any, partition: tuple[str, list[str]], columns: Sequence[str]
    ) -> pa.RecordBatchReader:
        delta = at_version(self.path, self.version)
        found = dataset(delta, [(partition[0], "in", partition[1])])
        return found.scanner(columns=list(columns), filter=filters).to_reader()


@dataclass
class BucketTask:
    """What a worker needs to replay some buckets of accounts: where things are, not the things themselves."""

    buckets: list[int]
    start: int
    end: int
    folders: list[str]
    previous: str | None
    sources: dict[str, Source]
    reference: ReferenceData
    policy: Policy
    instants: list[int] = field(default_factory=list)  # snapshots of all units
    wallets_at: list[tuple[str, str, int]] = field(default_factory=list)  # of one account and currency
    adl_trades: frozenset[tuple[str, int]] = frozenset()  # trade_id and timestamp of fills of kind adl
    number: int = 0  # of the parts that it writes
    staging: Staging | None = None  # where it writes them

    def events(self, name: str, *conditions: Any) -> pa.Table:
        """The session's rows of a dated dataset."""
        source = self.sources[name]
        if not self.folders:
            return arrow_schema(source.table).empty_table()
        return source.read(self._wanted(*conditions), ("event_date", self.folders))

    def stream(self, name: str, columns: Sequence[str], *conditions: Any) -> pa.RecordBatchReader:
        """The same as a stream of some columns, for what is too much to hold."""
        source = self.sources[name]
        if not self.folders:
            return arrow_schema(source.table).empty_table().select(list(columns)).to_reader()
        return source.stream(self._wanted(*conditions), ("event_date", self.folders), columns)

    def _wanted(self, *conditions: Any) -> Any:
        wanted = pc.field("ts") < pa.scalar(self.end, _TIME)
        if self.start > 0:
            wanted &= pc.field("ts") >= pa.scalar(self.start, _TIME)
        for condition in conditions:
            wanted &= condition
        return wanted

    def state(self, name: str) -> pa.Table:
        """The rows of the day before."""
        source = self.sources[name]
        if self.previous is None:
            return arrow_schema(source.table).empty_table()
        return source.read(None, ("business_date", [self.previous]))


Written = dict[str, Part | None]  # the part that a task wrote of each table, by the names of REPLAYED


def replay_buckets(task: BucketTask) -> Written:
    """Replay the accounts of some buckets (in a worker) and stage a part per kind of row."""
    if task.staging is None:
        raise InvariantError("a task that is to write its rows was not told where")
    task.wallets_at = _venue_wallets(task)
    units, market = read_units(task)
    rows = replay_units(units, market, task.policy, task.start)
    _remember_marks(task, rows, market)
    return {
        name: task.staging.write_part(table, task.number, rows_to_arrow(name, getattr(rows, name)))
        for name, table in REPLAYED.items()
    }


def _venue_wallets(task: BucketTask) -> list[tuple[str, str, int]]:
    """Which wallets of the task's accounts the venue has published in the session, and when."""
    name, mine = "venue_account_balances", set(task.buckets)
    rows = to_rows(TYPED[name], task.events(name), ("account_id", "currency", "ts"))
    return sorted(row for row in rows if account_bucket(row[0]) in mine)


def read_units(task: BucketTask) -> tuple[list[UnitInput], Market]:
    """The units of a task, and the prices of all that they hold or trade."""
    units = _units(task)
    held = {i for unit in units.values() for i, _, _ in unit.positions}
    held |= {fill.instrument_id for unit in units.values() for fill in unit.fills}
    return list(units.values()), session_market(task, sorted(held))


def _remember_marks(task: BucketTask, rows: SessionRows, market: Market) -> None:
    """Open episodes complete for being carried on, with the marks of instruments that nobody here held."""
    opened = [n for n, unit in enumerate(rows.unit_sessions) if unit.open_episode]
    if not opened:
        return
    rest = sorted(set(market.contracts) - set(market.ticks))
    everything = session_market(task, rest)
    everything.ticks.update(market.ticks)
    for n in opened:
        rows.unit_sessions[n] = remember_marks(rows.unit_sessions[n], everything, task.start)


def rows_to_arrow(name: str, rows: Sequence[Any]) -> pa.Table:
    """Engine rows of one of the lists of SessionRows; which date it is, their place says."""
    return tuples_to_arrow(REPLAYED[name], _names(name), rows, business_date=_NO_DAY)


_NO_DAY = date(1970, 1, 1)  # a part has no date in it
_ROW_TYPES: dict[str, Any] = {}


def _names(name: str) -> tuple[str, ...]:
    return row_types()[name]._fields


def row_types() -> dict[str, Any]:
    """The row type of each list in SessionRows."""
    if not _ROW_TYPES:
        from typing import get_args, get_type_hints

        _ROW_TYPES.update({name: get_args(hint)[0] for name, hint in get_type_hints(SessionRows).items()})
    return _ROW_TYPES


def _units(task: BucketTask) -> dict[UnitKey, UnitInput]:
    """The units of the task's accounts with their state and events."""
    accounts, contracts = task.reference.accounts, task.reference.contracts
    units: dict[UnitKey, UnitInput] = {}
    carry_over(units, _carried(task), accounts)

    def unit(account_id: str, currency: str, isolation: str) -> UnitInput:
        key = UnitKey(account_id, currency, isolation)
        if key not in units:
            units[key] = UnitInput(key, accounts[account_id])
        return units[key]

    in_buckets = pc.field("account_bucket").isin(task.buckets)
    of_transfers = ("transfer_id", "ts", "account_id", "currency", "isolation", "amount")
    for transfer_id, ts, account_id, currency, isolation, amount_e18 in to_rows(
        TYPED["transfers"], task.events("transfers", in_buckets), of_transfers
    ):
        amount = e18_to_units(amount_e18, task.reference.scales[currency])
        unit(account_id, currency, isolation).transfers.append(Transfer(ts, transfer_id, amount))
    fields = (
        "fill_id",
        "trade_id",
        "ts",
        "account_id",
        "instrument_id",
        "isolated",
        "side",
        "price",
        "quantity",
        "fee",
        "kind",
    )
    for (
        fill_id,
        trade_id,
        ts,
        account_id,
        instrument_id,
        isolated,
        side,
        price,
        quantity,
        fee_e18,
        kind,
    ) in to_rows(TYPED["fills"], task.events("fills", in_buckets), fields):
        contract = contracts[instrument_id]
        fee = e18_to_units(fee_e18, contract.scale)
        sign = 1 if side == "buy" else -1
        met = kind == "liquidation" and (trade_id, ts) in task.adl_trades
        fill = Fill(ts, fill_id, trade_id, instrument_id, sign, price, quantity, fee, kind, met)
        unit(account_id, contract.currency, instrument_id if isolated else "").fills.append(fill)
    _ask_for_snapshots(task, units)
    return units


def _carried(task: BucketTask) -> Carried:
    """The state in which the date before left the task's accounts."""
    mine = set(task.buckets)
    before = Carried()
    for unit in to_objects(UNIT_SESSIONS, task.state("unit_sessions"), UnitSession):
        if account_bucket(unit.account_id) in mine:
            before.units.append(unit)
    for position in to_objects(UNIT_POSITIONS, task.state("unit_positions"), UnitPosition):
        if account_bucket(position.account_id) in mine:
            before.positions.append(position)
    charges = to_rows(UNIT_CHARGES, task.state("unit_charges"))
    for _, account_id, currency, isolation, amount, booked_at in charges:
        if account_bucket(account_id) in mine:
            before.charged_at = booked_at
            before.charges[UnitKey(account_id, currency, isolation)] = amount
    return before


def _ask_for_snapshots(task: BucketTask, units: dict[UnitKey, UnitInput]) -> None:
    asked: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    for account_id, currency, ts in task.wallets_at:
        asked[account_id, currency].add(ts)
    for key, unit in units.items():
        unit.snapshots = sorted({*task.instants, *asked[key.account_id, key.currency]})


def session_market(task: BucketTask, instruments: Sequence[str]) -> Market:
    """Marks, ticks and funding of some instruments in the session."""
    market = task.reference.market()
    market.opening_marks = {i: mark for _, i, mark in to_rows(MARKS, task.state("marks"))}
    wanted = pc.field("instrument_id").isin(pa.array(instruments, pa.string()))
    fields = ("ts", "instrument_id", "mark_price", "bid", "ask")
    for ts, instrument_id, mark, bid, ask in sorted(
        to_rows(TYPED["ticks"], task.events("ticks", wanted), fields), key=lambda row: row[:2]
    ):
        series = market.ticks.setdefault(instrument_id, TickSeries())
        series.ts.append(ts)
        series.mark.append(mark)
        series.bid.append(bid)
        series.ask.append(ask)
    of_funding = ("ts", "instrument_id", "rate", "price")
    for ts, instrument_id, rate, price in sorted(
        to_rows(TYPED["funding"], task.events("funding", wanted), of_funding)
    ):
        market.funding.setdefault(instrument_id, []).append(Funding(ts, rate, price))
    return market
