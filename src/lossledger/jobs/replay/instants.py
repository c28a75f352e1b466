"""On which units of a group the replay has to report, and when."""

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from lossledger.jobs.replay.events import times_of
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.columns import Snapshots
from lossledger.kernel.layout import Ints


def read_snapshots(task: BucketTask, group: Group, units: Ints) -> Snapshots:
    """Which of the units are to be reported on: all at the task's instants, and whose wallets the venue published."""
    asked = [tuple(at_instants(units, task.instants))]
    if task.wallets_at:
        asked.append(_published(task, group, units))
    unit, ts = (np.concatenate(column) for column in zip(*asked, strict=True))
    order = np.lexsort((ts, unit))
    unit, ts = unit[order], ts[order]
    first = np.ones(len(unit), bool)
    first[1:] = (unit[1:] != unit[:-1]) | (ts[1:] != ts[:-1])
    return Snapshots(unit[first], ts[first])


def at_instants(units: Ints, instants: Sequence[int]) -> Snapshots:
    """All of the units at all of the instants."""
    times = np.array(sorted(instants), np.int64)
    return Snapshots(np.repeat(units, len(times)), np.tile(times, len(units)))


def _published(task: BucketTask, group: Group, units: Ints) -> tuple[Ints, Ints]:
    """All units of accounts and currencies whose wallets the venue has published in the session, and when."""
    directory, coded = group.directory, ["account_id", "currency"]
    wide = len(directory.currencies)
    owners, times = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    in_group = pc.field("account_bucket").isin(group.buckets)
    for batch in task.event_batches("venue_account_balances", ("ts", *coded), coded, in_group):
        accounts, currencies = (
            group.accounts(batch.column("account_id")),
            group.currencies(batch.column("currency")),
        )
        owners.append(accounts * wide + currencies)
        times.append(times_of(batch))
    owner, ts = np.concatenate(owners), np.concatenate(times)
    order = np.argsort(owner, kind="stable")
    owner, ts = owner[order], ts[order]
    of_place = np.array([directory.currencies.index(name) for name, _ in directory.places], np.int64)
    account, place = np.divmod(units, len(directory.places))
    mine = account * wide + of_place[place]
    first, after = (np.searchsorted(owner, mine, side) for side in ("left", "right"))
    counts = after - first
    starts = np.repeat(first - np.r_[0, np.cumsum(counts)[:-1]] if len(units) else first, counts)
    return np.repeat(units, counts), ts[starts + np.arange(counts.sum())]
