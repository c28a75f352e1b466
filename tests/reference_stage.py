"""The stage recompute by the engine's replay alone: what the night's columns and kernel have to equal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from lossledger.engine.rows import OpenLot, SessionRows
from lossledger.engine.rules.lots import is_recorded
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.unit_rows import remember_marks
from lossledger.engine.rules.unwinding import unwind
from lossledger.jobs.replay.directory import read_directory
from lossledger.jobs.replay.event_states import Change, changes
from lossledger.jobs.replay.setting import Written
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.tables import NO_DAY, Tables, row_tables, totals
from lossledger.schemas.ledger import EVENT_STATES, OPEN_LOTS
from lossledger.store.arrow import to_objects, tuples_to_arrow
from lossledger.store.buckets import account_bucket
from lossledger.store.session_units import session_market, units_of


def replay(task: BucketTask) -> SessionRows:
    """All rows of the task's units."""
    directory = read_directory(task)
    accounts = directory.account_objects(range(len(directory.accounts.rows)))
    market = session_market(task, sorted(task.reference.contracts))
    rows = replay_units(units_of(task, accounts), market, task.policy, task.start)
    rows.unit_sessions = [
        remember_marks(unit, market, task.start) if unit.open_episode else unit for unit in rows.unit_sessions
    ]
    carried = to_objects(OPEN_LOTS, task.state("open_lots"), OpenLot)
    simulated = [lot for lot in carried if not is_recorded(lot)]
    before = [lot for lot in simulated if account_bucket(str(lot.from_account_id)) in task.buckets]
    opened = [lot for lot in rows.lots if not is_recorded(lot)]
    still_open, closed = unwind([*before, *opened], market, task.policy)
    rows.lots = [*(lot for lot in rows.lots if is_recorded(lot)), *still_open]
    rows.takeovers += closed
    return rows


def tables_of(task: BucketTask, written: Written) -> Iterator[tuple[list[int], Tables]]:
    """In the place of `jobs.replay.task.replayed`."""
    rows = replay(task)
    rows.funding_totals = totals(rows.funding_totals)
    yield task.buckets, row_tables(rows)


def changes_of(task: BucketTask, instants: Sequence[int]) -> pa.Table:
    """What `jobs.replay.event_states.changes_at` has to say."""
    found = replay(replace(task, instants=list(instants)))
    return tuples_to_arrow(EVENT_STATES, Change._fields, list(changes(found.snapshots)), business_date=NO_DAY)
