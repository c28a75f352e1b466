"""Recompute: replay the session of a date, in parallel by account, from the stored state of the day before."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from engine.rows import Snapshot
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
    wallets = venue_wallets(tasks[0])
    for task in tasks:
        task.wallets_at = wallets
    results = day.mapper.map(replay_buckets, tasks)
    for name, table in REPLAYED.items():
        data = pa.concat_tables([from_ipc(result[name]) for result in results])
        dates = pa.array([day.day] * data.num_rows, pa.date32())
        data = sort_by_key(table, data.set_column(0, arrow_schema(table).field(0), dates))
        day.write_staged(table, data)
    marks = _closing_marks(tasks[0])
    day.write_staged(MARKS, to_arrow(MARKS, marks, business_date=day.day))


def venue_wallets(task: BucketTask) -> list[tuple[str, str, int]]:
    """Which wallets the venue has published in the session, and when."""
    name = "venue_account_balances"
    return sorted(to_rows(TYPED[name], task.events(name), ("account_id", "currency", "ts")))


def _closing_marks(task: BucketTask) -> list[dict[str, Any]]:
    market = session_market(task, sorted(task.reference.contracts))
    return [{"instrument_id": i, "mark": mark} for i, mark in sorted(market.closing_marks().items())]


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
