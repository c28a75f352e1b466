"""What a worker does: read the state and the events of some buckets of accounts, replay them, and stage the rows."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from lossledger.engine.errors import InvariantError
from lossledger.engine.rows import FundingTotal, SessionRows
from lossledger.jobs.replay.group import bucket_groups, replay_group
from lossledger.jobs.replay.setting import Setting, Written
from lossledger.jobs.replay.source import BucketTask, buckets_note
from lossledger.jobs.replay.tables import Tables, joined, row_tables, totals
from lossledger.schemas.ledger import REPLAYED
from lossledger.store.staging import Part
from lossledger.store.thresholds import FILLS_AT_ONCE, UNIT_PART_ROWS


def replay_buckets(task: BucketTask) -> Written:
    """Replay the accounts of some buckets (in a worker) and stage their rows, in parts of whole buckets.

    How many tasks and groups there were, and whether the kernel left a unit to the reference, is in no row.
    """
    written: Written = {name: [] for name in REPLAYED}
    with _uncollected():
        for buckets, tables in replayed(task, written):
            for name, part in _write(task, buckets, tables).items():
                written[name] += [part] if part else []
    return written


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles, which rows never are: over a hundred thousand rows it is a fifth of the time."""
    collected = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collected:
            gc.enable()


def _write(task: BucketTask, buckets: Sequence[int], tables: Tables) -> dict[str, Part | None]:
    if task.staging is None:
        raise InvariantError("a task that is to write its rows was not told where")
    note = buckets_note(buckets)
    return {
        name: task.staging.write_part(table, buckets[0], tables[name], note)
        for name, table in REPLAYED.items()
    }


def replayed(task: BucketTask, written: Written) -> Iterator[tuple[list[int], Tables]]:
    """The rows of the task's buckets, a part at a time; what is staged beside them is added to `written`."""
    setting = Setting(task, written)
    buckets: list[int] = []
    held: list[Tables] = []
    funding: list[FundingTotal] = []
    for group in bucket_groups(task, FILLS_AT_ONCE):
        tables, received = replay_group(setting, group, FILLS_AT_ONCE)
        buckets += group
        held.append(tables)
        funding += received
        if sum(t["unit_sessions"].num_rows for t in held) >= UNIT_PART_ROWS:
            yield buckets, joined([*held, row_tables(SessionRows(funding_totals=totals(funding)))])
            buckets, held, funding = [], [], []
    if buckets:
        yield buckets, joined([*held, row_tables(SessionRows(funding_totals=totals(funding)))])
