"""What a worker does: read the state and the events of some buckets of accounts, replay them, and stage the rows."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from lossledger.engine.errors import InvariantError
from lossledger.engine.events import Market
from lossledger.engine.rows import FundingTotal, SessionRows
from lossledger.engine.rules.unit_rows import remember_marks
from lossledger.jobs.replay.choice import replay_units
from lossledger.jobs.replay.objects import read_units
from lossledger.jobs.replay.source import BucketTask, buckets_note
from lossledger.jobs.replay.tables import Tables, joined, row_tables, totals
from lossledger.schemas.ledger import REPLAYED
from lossledger.store.session_units import session_market
from lossledger.store.staging import Part

AT_ONCE = 1 << 20  # fills whose columns are held together
PART_ROWS = 1 << 18  # of units, from which on a part is written

Written = dict[str, list[Part]]  # the parts that a task wrote of each table, by the names of REPLAYED


def replay_buckets(task: BucketTask) -> Written:
    """Replay the accounts of some buckets (in a worker) and stage their rows, in parts of whole buckets.

    Which replay took a unit, and how many tasks and groups there were, is in no row.
    """
    written: Written = {name: [] for name in REPLAYED}
    with _uncollected():
        for buckets, tables in _by_columns(task) if task.columns else [_by_objects(task)]:
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


def _by_objects(task: BucketTask) -> tuple[list[int], Tables]:
    """All rows of the task by way of engine rows."""
    units, market = read_units(task)
    rows = replay_units(units, market, task.policy, task.start)
    _remember_marks(task, rows, market)
    rows.funding_totals = totals(rows.funding_totals)
    return task.buckets, row_tables(rows)


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


def _by_columns(task: BucketTask) -> Iterable[tuple[list[int], Tables]]:
    """The rows of the task's buckets, so many at once as make a part."""
    from lossledger.jobs.replay.group import bucket_groups, replay_group
    from lossledger.jobs.replay.setting import Setting

    setting = Setting(task)
    buckets: list[int] = []
    held: list[Tables] = []
    funding: list[FundingTotal] = []
    for group in bucket_groups(task, AT_ONCE):
        tables, received = replay_group(setting, group, AT_ONCE)
        buckets += group
        held.append(tables)
        funding += received
        if sum(t["unit_sessions"].num_rows for t in held) >= PART_ROWS:
            yield buckets, joined([*held, row_tables(SessionRows(funding_totals=totals(funding)))])
            buckets, held, funding = [], [], []
    if buckets:
        yield buckets, joined([*held, row_tables(SessionRows(funding_totals=totals(funding)))])
