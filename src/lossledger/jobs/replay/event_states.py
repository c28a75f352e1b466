"""State of the units at instants that became known after they were replayed: a second pass, reported as changes."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, islice
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.events import UnitKey
from lossledger.engine.rows import Snapshot
from lossledger.engine.rules.order import replay_units
from lossledger.jobs.replay.group import Asked, GroupRows, bucket_groups, by_the_kernel
from lossledger.jobs.replay.results import Numbered, in_columns
from lossledger.jobs.replay.setting import Setting, left_units
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.tables import NO_DAY
from lossledger.kernel.columns import Snapshots
from lossledger.kernel.layout import Ints, Rows
from lossledger.schemas.ledger import EVENT_STATES
from lossledger.store.amount_arrays import to_decimals
from lossledger.store.arrow import tuples_to_arrow
from lossledger.store.thresholds import FILLS_AT_ONCE, REFERENCE_STATES


class Change(NamedTuple):
    """A row of event_states: a position that differs from the instant before, or a wallet alone (no instrument)."""

    ts: int
    account_id: str
    currency: str
    isolation: str
    instrument_id: str | None
    wallet: int
    quantity_e18: int
    entry_value: int


def changes_at(task: BucketTask, instants: Sequence[int]) -> Iterator[pa.Table]:
    """Rows of event_states of the task's units, a group of buckets at a time. `instants`: rising."""
    setting, nothing = Setting(task), np.zeros(0, np.int64)
    asked = Asked((), np.array(instants, np.int64), FILLS_AT_ONCE)

    def none(_: GroupRows) -> Snapshots:
        return Snapshots(nothing, nothing)

    for buckets in bucket_groups(task, FILLS_AT_ONCE):
        found, left = by_the_kernel(setting, buckets, asked, none)
        for each in found:
            yield _table(each.replayed.changes, each.numbered)
        if len(left):
            yield from reference_changes(
                setting, replace(task, buckets=buckets, instants=list(instants)), left
            )


def _table(rows: Rows, numbered: Numbered) -> pa.Table:
    rows = rows[np.lexsort((rows["instrument"], rows["unit"], rows["ts"]))]
    columns = {
        "ts": pa.array(rows["ts"]).cast(pa.timestamp("us", tz="UTC")),
        **numbered.keys(rows),
        "instrument_id": numbered.instruments(rows),
        "wallet": to_decimals(rows["wallet"]),
        "quantity": numbered.quantities(rows),
        "entry_value": to_decimals(rows["entry_value"]),
    }
    return in_columns(EVENT_STATES, columns)


def reference_changes(setting: Setting, task: BucketTask, left: Ints) -> Iterator[pa.Table]:
    """As `changes_at`, of units that the kernel leaves; each of them reports at all of the task's instants."""
    units, market = left_units(setting, task, left)
    rest = iter(units)
    while some := list(islice(rest, max(1, REFERENCE_STATES // len(task.instants)))):
        rows = replay_units(some, market, task.policy, task.start).snapshots
        yield tuples_to_arrow(EVENT_STATES, Change._fields, list(changes(rows)), business_date=NO_DAY)


def changes(snapshots: Iterable[Snapshot]) -> Iterator[Change]:
    """What differs from the instant before, unit by unit."""
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
