"""What the rule comparison has to know of all units at the instants of shortfalls, reduced in the tasks.

A second pass over the same replay. A unit's state at an instant stays in the task: what leaves it, as files, is per
event the weights of the holders, and the few candidates that can be reached in its queue.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from jobs.attribute.books import Books
from jobs.replay.choice import replay_units
from jobs.replay.objects import read_units
from jobs.replay.source import BucketTask
from jobs.replay.tables import rows_to_arrow
from schemas.ledger import EVENT_CANDIDATES, EVENT_WEIGHTS
from store.amounts import e18_decimals
from store.staging import Part, Staging

STATES = 1 << 18  # units × instants that a task holds at once
PART_ROWS = 1 << 22  # of a table, from which on a part is written: so many can be sorted in memory
_MOST_PARTS = 100_000  # of a task
_WEIGHTS = """
    select event, account_id, any_value(currency) as currency, isolation, sum(value) as weight
    from snapshots join events using (ts, instrument_id)
    where snapshots.account_id <> events.of_account and mark is not null group by event, account_id, isolation
"""
# Who is ranked by an exact fraction is ranked by a float first. That is off by less than one part in 10^15, so
# whoever is one part in 10^12 behind those who can give all that is wanted gives nothing.
_CANDIDATES = """
    with scored as (
        select event, size, snapshots.*,
            unrealised::double / entry_value::double * (value::double / equity::double) as score
        from snapshots join events using (ts, instrument_id)
        where snapshots.account_id <> events.of_account and mark is not null
            and sign(quantity) * side > 0 and unrealised > 0 and entry_value > 0 and equity > 0
    ), queued as (
        select *, coalesce(sum(abs(quantity)) over (
            partition by event, instrument_id order by score desc, account_id, isolation
            rows between unbounded preceding and 1 preceding
        ), 0) as ahead
        from scored
    ), reached as (
        select *, min(score) filter (where ahead < size) over (partition by event, instrument_id) as least
        from queued
    )
    select * exclude (size, score, ahead, least) from reached where score >= least * (1 - 1e-12)
"""
_QUERIES = {
    EVENT_WEIGHTS.name: (EVENT_WEIGHTS, _WEIGHTS),
    EVENT_CANDIDATES.name: (EVENT_CANDIDATES, _CANDIDATES),
}


class EventInstrument(NamedTuple):
    """A shortfall and an instrument of it; `net_e18`: signed sum of what was liquidated."""

    event: int
    ts: int
    account_id: str
    instrument_id: str
    net_e18: int


@dataclass
class InstantsTask:
    """`wanted`: which of the two tables; `size`: as in Books."""

    replay: BucketTask
    events: Sequence[EventInstrument]
    wanted: Sequence[str]
    staging: Staging
    scales: Mapping[str, int]
    size: int


def reduce_states(task: InstantsTask) -> dict[str, list[Part]]:
    """Replay some accounts (in a worker) and write what the rules need of them.

    In parts that are sorted in memory: a sort on disk of a hundred million rows ended the process (DuckDB 1.5.6).
    """
    written: dict[str, list[Part]] = {name: [] for name in task.wanted}
    with Books(task.staging, task.scales, task.size) as books:
        books.add("events", _events(task.events))
        for data in _states(task):
            books.add("snapshots", data)
            for name in task.wanted:
                books.execute(f"create temp table if not exists {name} as {_QUERIES[name][1]} limit 0")
                books.execute(f"insert into {name} by name {_QUERIES[name][1]}")
                if books.rows(f"select count(*) from {name}")[0][0] >= PART_ROWS:
                    _write(task, books, name, written[name])
        for (name,) in books.rows("select table_name from duckdb_tables()"):
            if name in written:
                _write(task, books, name, written[name])
    return written


def _write(task: InstantsTask, books: Books, name: str, written: list[Part]) -> None:
    """What has been found up to now becomes a part."""
    number = task.replay.number * _MOST_PARTS + len(written)
    part = books.part(_QUERIES[name][0], number, f"select * from {name}")
    written += [part] if part else []
    books.execute(f"drop table {name}")


def _states(task: InstantsTask) -> Iterator[pa.Table]:
    """Snapshots at the instants, of so many units at once that they fit into memory."""
    wanted: defaultdict[int, set[str]] = defaultdict(set)
    for event in task.events:
        wanted[event.ts].add(event.instrument_id)
    if task.replay.columns:
        from jobs.replay.states import states_at  # the compiled replay takes a second to load

        yield from states_at(task.replay, {ts: sorted(names) for ts, names in wanted.items()})
        return
    task.replay.instants = sorted(wanted)
    given, market = read_units(task.replay)
    units = iter(given)
    while some := list(islice(units, max(1, STATES // len(task.replay.instants)))):
        rows = replay_units(some, market, task.replay.policy, task.replay.start)
        yield rows_to_arrow("snapshots", rows.snapshots)


def _events(events: Sequence[EventInstrument]) -> pa.Table:
    sides = [(event.net_e18 > 0) - (event.net_e18 < 0) for event in events]
    sizes = np.array([abs(event.net_e18) for event in events], object)
    return pa.table(
        {
            "event": pa.array([event.event for event in events], pa.int64()),
            "ts": pa.array([event.ts for event in events], pa.timestamp("us", tz="UTC")),
            "of_account": pa.array([event.account_id for event in events], pa.string()),
            "instrument_id": pa.array([event.instrument_id for event in events], pa.string()),
            "side": pa.array(sides, pa.int64()),
            "size": e18_decimals(sizes),
        }
    )
