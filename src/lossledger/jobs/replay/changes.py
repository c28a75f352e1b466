"""How units stood at instants that were not known when they were first replayed: a second pass, told by changes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import NamedTuple

import pyarrow as pa

from lossledger.engine.events import UnitKey
from lossledger.engine.rows import SessionRows, Snapshot
from lossledger.engine.rules.units import UnitInput
from lossledger.jobs.replay.choice import replay_units
from lossledger.jobs.replay.objects import read_units
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.tables import NO_DAY
from lossledger.schemas.ledger import EVENT_STATES
from lossledger.store.arrow import tuples_to_arrow

STATES = 1 << 18  # units × instants that are held at once as rows of the reference


class Change(NamedTuple):
    """A row of event_states: a position that is not as it was, or a wallet alone (no instrument)."""

    ts: int
    account_id: str
    currency: str
    isolation: str
    instrument_id: str | None
    wallet: int
    quantity_e18: int
    entry_value: int


def changes_at(task: BucketTask, instants: Sequence[int]) -> Iterator[pa.Table]:
    """Rows of event_states of the task's units, some units at a time, each in the order of the key.

    `instants`: rising.
    """
    if task.columns:
        from lossledger.jobs.replay.states import changes_in_columns  # the compiled replay takes a second to load

        yield from changes_in_columns(task, instants)
    else:
        units, market = read_units(replace(task, instants=list(instants)))

        def replay(some: Sequence[UnitInput]) -> SessionRows:
            return replay_units(some, market, task.policy, task.start)

        yield from changes_of(units, replay, len(instants))


def changes_of(
    units: Sequence[UnitInput], replay: Callable[[Sequence[UnitInput]], SessionRows], instants: int
) -> Iterator[pa.Table]:
    """The same of units that are objects, each asked to report on so many instants, by a replay of some of them."""
    rest = iter(units)
    while some := list(islice(rest, max(1, STATES // instants))):
        rows = list(changes(replay(some).snapshots))
        yield tuples_to_arrow(EVENT_STATES, Change._fields, rows, business_date=NO_DAY)


def changes(snapshots: Iterable[Snapshot]) -> Iterator[Change]:
    """What is not as it was at the instant before, unit by unit."""
    for key, rows in groupby(sorted(snapshots, key=_unit_and_time), key=lambda row: UnitKey(*row[1:4])):
        wallet, held = 0, dict[str, tuple[int, int]]()
        for ts, of_instant in groupby(rows, key=lambda row: row.ts):
            found = list(of_instant)
            now = {r.instrument_id: (r.quantity_e18, int(r.entry_value)) for r in found if r.instrument_id}
            changed = sorted(name for name in {*held, *now} if held.get(name) != now.get(name))
            for name in changed:
                yield Change(ts, *key, name, found[0].wallet, *now.get(name, (0, 0)))
            if not changed and found[0].wallet != wallet:
                yield Change(ts, *key, None, found[0].wallet, 0, 0)
            wallet, held = found[0].wallet, now


def _unit_and_time(row: Snapshot) -> tuple[str, str, str, int]:
    return row.account_id, row.currency, row.isolation, row.ts
