"""How units stood at instants, by columns and the compiled replay."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from lossledger.jobs.replay.changes import changes_of
from lossledger.jobs.replay.group import Asked, GroupRows, bucket_groups, by_the_kernel
from lossledger.jobs.replay.results import Numbered, in_columns
from lossledger.jobs.replay.setting import Setting, left_units
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.task import AT_ONCE
from lossledger.kernel.columns import Snapshots
from lossledger.kernel.layout import Rows
from lossledger.kernel.thinned import Thinned
from lossledger.schemas.ledger import EVENT_STATES
from lossledger.store.amount_arrays import to_decimals


def changes_in_columns(task: BucketTask, instants: Sequence[int]) -> Iterator[pa.Table]:
    """Rows of event_states of the task's units."""
    setting, nothing = Setting(task), np.zeros(0, np.int64)
    asked = Asked((), np.array(instants, np.int64), AT_ONCE)

    def none(_: GroupRows) -> Snapshots:
        return Snapshots(nothing, nothing)

    for buckets in bucket_groups(task, AT_ONCE):
        found, left = by_the_kernel(setting, buckets, asked, none)
        for replayed, numbered, _ in found:
            yield _table(replayed.changes, numbered)
        if len(left):
            of_group = replace(task, buckets=buckets, instants=list(instants))
            units, market = left_units(setting, of_group, left)
            yield from changes_of(units, Thinned(market, task.policy, task.start).replay, len(instants))


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
