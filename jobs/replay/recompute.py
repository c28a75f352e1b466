"""Recompute: replay the session of a date, in parallel by account, from the stored state of the day before."""

from collections.abc import Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from engine.events import Market
from engine.replay import remember_marks
from engine.rows import Snapshot, UnitSession
from jobs.day import Day
from jobs.replay.task import BucketTask, Source, replay_buckets, session_market
from schemas.inputs import DATED
from schemas.ledger import BUCKETS, MARKS, REPLAYED, TYPED, UNIT_CHARGES, UNIT_POSITIONS, UNIT_SESSIONS
from store.arrow import arrow_schema, from_ipc, sort_by_key, to_arrow, to_objects, to_rows
from store.reference import ReferenceData


def bucket_tasks(day: Day, reference: ReferenceData, folders: Sequence[date]) -> list[BucketTask]:
    """One task per partition; which bucket is in which task changes nothing in the result."""
    inputs = {
        name: Source(str(day.warehouse.path(TYPED[name])), day.warehouse.version(TYPED[name]), TYPED[name])
        for name in (d.name for d in DATED)
    }
    carried = {
        t.name: Source(str(day.state.path(t)), day.state_version(t), t)
        for t in (UNIT_SESSIONS, UNIT_POSITIONS, UNIT_CHARGES, MARKS)
    }
    previous = None if day.first else date.fromordinal(day.day.toordinal() - 1).isoformat()
    n = min(BUCKETS, max(1, day.mapper.partitions))
    return [
        BucketTask(
            [b for b in range(BUCKETS) if b % n == i],
            day.start,
            day.end,
            [f.isoformat() for f in folders],
            previous,
            inputs | carried,
            reference,
            day.policy,
        )
        for i in range(n)
    ]


def recompute(day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
    """Replay the session and stage its rows."""
    tasks = bucket_tasks(day, reference, folders)
    wallets, adl_trades = venue_wallets(tasks[0]), _adl_trades(tasks[0])
    for task in tasks:
        task.wallets_at, task.adl_trades = wallets, adl_trades
    results = day.mapper.map(replay_buckets, tasks)
    market = session_market(tasks[0], sorted(reference.contracts))
    for name, table in REPLAYED.items():
        data = pa.concat_tables([from_ipc(result[name]) for result in results])
        if table is UNIT_SESSIONS:
            data = _with_marks(data, market, day.start)
        dates = pa.array([day.day] * data.num_rows, pa.date32())
        data = sort_by_key(table, data.set_column(0, arrow_schema(table).field(0), dates))
        day.write_staged(table, data)
    marks = [{"instrument_id": i, "mark": mark} for i, mark in sorted(market.closing_marks().items())]
    day.write_staged(MARKS, to_arrow(MARKS, marks, business_date=day.day))


def venue_wallets(task: BucketTask) -> list[tuple[str, str, int]]:
    """Which wallets the venue has published in the session, and when."""
    name = "venue_account_balances"
    return sorted(to_rows(TYPED[name], task.events(name), ("account_id", "currency", "ts")))


def _adl_trades(task: BucketTask) -> frozenset[tuple[str, int]]:
    """Trades of the session in which somebody, in whatever bucket, was deleveraged, each with its time."""
    fills = task.events("fills", pc.field("kind") == "adl")
    return frozenset(to_rows(TYPED["fills"], fills, ("trade_id", "ts")))


def _with_marks(units: pa.Table, market: Market, start: int) -> pa.Table:
    """Open episodes complete for being carried on, with the marks of instruments that nobody here held."""
    place = units.schema.get_field_index("open_episode")
    column = units.column(place).combine_chunks()
    opened = to_objects(UNIT_SESSIONS, units.filter(column.is_valid()), UnitSession)
    texts = pa.array([remember_marks(unit, market, start).open_episode for unit in opened], pa.string())
    column = pc.replace_with_mask(column, column.is_valid(), texts)
    return units.set_column(place, units.schema.field(place), column)


def snapshots_at(
    day: Day, reference: ReferenceData, folders: Sequence[date], instants: list[int]
) -> list[Snapshot]:
    """A second pass over the same replay: the state of all units at the instants that are asked for."""
    tasks = bucket_tasks(day, reference, folders)
    for task in tasks:
        task.instants = instants
    results = day.mapper.map(replay_buckets, tasks)
    data = pa.concat_tables([from_ipc(result["snapshots"]) for result in results])
    return to_objects(REPLAYED["snapshots"], data, Snapshot)
