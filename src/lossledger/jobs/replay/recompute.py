"""Recompute: replay the session of a date, in parallel by account, from the stored state of the day before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from lossledger.jobs.day import Day
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.task import replay_buckets
from lossledger.schemas.inputs import ACCOUNTS, DATED
from lossledger.schemas.ledger import (
    BUCKETS,
    CARRIED,
    DELIVERIES,
    MARKS,
    REPLAYED,
    TYPED,
    UNIT_SESSIONS,
)
from lossledger.store.arrow import to_rows
from lossledger.store.duck import connect
from lossledger.store.places import open_parquet
from lossledger.store.reference_data import ReferenceData
from lossledger.store.session_inputs import PinnedTable
from lossledger.store.session_units import adl_trades_of, taken_trades_of
from lossledger.store.thresholds import REPLAY_TASK_ROWS, REPLAY_TASKS_EACH


def bucket_tasks(day: Day, reference: ReferenceData, folders: Sequence[date]) -> list[BucketTask]:
    """One task per partition; which bucket is in which task changes nothing in the result."""
    inputs = {
        name: PinnedTable(
            str(day.warehouse.path(TYPED[name])), day.warehouse.version(TYPED[name]), TYPED[name]
        )
        for name in (*(d.name for d in DATED), ACCOUNTS.name)
    }
    carried = {t.name: PinnedTable(str(day.state.path(t)), day.state_version(t), t) for t in CARRIED}
    delivered = delivered_rows(day, folders)
    rows = delivered.total() + _units_before(day)
    # Tasks read their own accounts.
    reference = replace(reference, accounts={}, known=replace(reference.known, accounts={}))
    previous = None if day.first else date.fromordinal(day.day.toordinal() - 1).isoformat()
    n = max(1, day.mapper.cut(rows))
    n *= max(1, min(REPLAY_TASKS_EACH, rows // (n * max(REPLAY_TASK_ROWS, 8 * delivered["ticks"]))))
    n = min(BUCKETS, n)
    return [
        BucketTask(
            [b for b in range(BUCKETS) if b * n // BUCKETS == i],
            day.start,
            day.end,
            [f.isoformat() for f in folders],
            previous,
            inputs | carried,
            reference,
            day.policy,
            number=i,
            staging=day.staging,
        )
        for i in range(n)
    ]


def recompute(day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
    """Replay the session and stage its rows."""
    tasks = bucket_tasks(day, reference, folders)
    adl_trades, taken_trades = adl_trades_of(tasks[0]), taken_trades_of(tasks[0])
    for task in tasks:
        task.adl_trades, task.taken_trades, task.wallets_at = adl_trades, taken_trades, True
    written = day.mapper.map(replay_buckets, tasks, session_rows(day, folders))
    for name, table in REPLAYED.items():
        day.staging.commit(table, [part for parts in written for part in parts[name]])
    day.staging.write(MARKS, closing_marks(tasks[0], day.staging.spill))


def session_rows(day: Day, folders: Sequence[date]) -> int:
    """About how many rows a replay reads: what was delivered for its dates, and the units that were there before."""
    return delivered_rows(day, folders).total() + _units_before(day)


def _units_before(day: Day) -> int:
    return sum(open_parquet(path).metadata.num_rows for path in day.files_before(UNIT_SESSIONS))


def delivered_rows(day: Day, folders: Sequence[date]) -> Counter[str]:
    """How many rows were delivered for some dates, by dataset."""
    found: Counter[str] = Counter()
    for folder in folders:  # of a year of dates, one or two
        for dataset, rows in to_rows(DELIVERIES, day.warehouse.read(DELIVERIES, folder), ("dataset", "rows")):
            found[dataset] += rows
    return found


def closing_marks(task: BucketTask, spill: Path) -> pa.Table:
    """The last mark of every instrument, of the session or of the day before."""
    with connect(spill, 0) as connection:
        connection.register("ticks", task.stream("ticks", ("instrument_id", "ts", "mark_price")))
        connection.register("opening", task.state("marks").select(["instrument_id", "mark"]))
        last = connection.execute(
            "select instrument_id, coalesce(new.mark, old.mark) as mark from opening as old full join ("
            "select instrument_id, arg_max(mark_price, ts) as mark from ticks group by all"
            ") as new using (instrument_id)"
        )
        return last.to_arrow_table()
