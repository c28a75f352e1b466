"""The stage recompute by the engine's replay alone: what the night's columns and kernel have to equal."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.unit_rows import remember_marks
from lossledger.jobs.replay.directory import read_directory
from lossledger.jobs.replay.event_states import Change, changes
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.tables import NO_DAY, Tables, row_tables, totals
from lossledger.schemas.ledger import EVENT_STATES
from lossledger.store.arrow import tuples_to_arrow
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
    return rows


def tables_of(task: BucketTask) -> Iterator[tuple[list[int], Tables]]:
    """In the place of `jobs.replay.task.replayed`."""
    rows = replay(task)
    rows.funding_totals = totals(rows.funding_totals)
    yield task.buckets, row_tables(rows)


def changes_of(task: BucketTask, instants: Sequence[int]) -> pa.Table:
    """What `jobs.replay.event_states.changes_at` has to say."""
    found = replay(replace(task, instants=list(instants)))
    return tuples_to_arrow(EVENT_STATES, Change._fields, list(changes(found.snapshots)), business_date=NO_DAY)
