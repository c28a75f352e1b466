"""What units held at instants that were not known when they were first replayed: a second pass, read once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from jobs.replay.group import GroupRows, Setting, bucket_groups, by_reference
from jobs.replay.instants import at_instants
from jobs.replay.results import snapshot_table
from jobs.replay.source import BucketTask
from jobs.replay.tables import row_tables
from jobs.replay.task import AT_ONCE

STATES = 1 << 21  # units × instants that are held at once


def states_at(task: BucketTask, wanted: Mapping[int, Sequence[str]]) -> Iterator[pa.Table]:
    """Snapshots of the task's units, of the instruments that are wanted at each instant."""
    setting = Setting(task)
    for buckets in bucket_groups(task, AT_ONCE):
        rows = GroupRows(setting, buckets)
        if not len(rows.units):
            continue
        times, step = sorted(wanted), max(1, STATES // len(rows.units))
        for start in range(0, len(times), step):
            yield _states(rows, {ts: wanted[ts] for ts in times[start : start + step]})


def _states(rows: GroupRows, wanted: Mapping[int, Sequence[str]]) -> pa.Table:
    setting, times = rows.setting, sorted(wanted)
    replayed, assembled, numbered = rows.replayed(at_instants(rows.units, times))
    # most of what a unit holds is in no event: it is left out before decimals are made of it
    names = setting.directory.instruments
    asked = np.zeros((len(times), len(names) + 1), bool)  # the last: a unit that holds nothing
    for place, ts in enumerate(times):
        asked[place, [names.index(name) for name in wanted[ts]]] = True
    found = replayed.snapshots
    mine = asked[np.searchsorted(np.array(times), found["ts"]), found["instrument"]]
    task = replace(setting.task, buckets=rows.group.buckets, instants=times)
    left = by_reference(setting, task, assembled, replayed.to_reference)
    return pa.concat_tables([snapshot_table(found[mine], numbered), row_tables(left)["snapshots"]])
