"""The replay of a group of accounts: by the kernel from columns, by the reference what the kernel does not take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from lossledger.engine.rows import FundingTotal, SessionRows
from lossledger.engine.rules.lots import RECORDED, SIMULATED
from lossledger.jobs.replay.events import fill_batches, ids_told, read_transfers, together
from lossledger.jobs.replay.given import Given
from lossledger.jobs.replay.instants import read_snapshots
from lossledger.jobs.replay.liquidations import liquidation_tables, split
from lossledger.jobs.replay.lot_tables import LotRows, taken_lots, unwound_rows, unwound_tables
from lossledger.jobs.replay.lots import added, read_lots, settle_units
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.results import Numbered, many_tables
from lossledger.jobs.replay.setting import Setting, by_reference, remember
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.state import read_state
from lossledger.jobs.replay.stretches import Stretches
from lossledger.jobs.replay.tables import Tables, joined, row_tables
from lossledger.kernel.columns import Snapshots, assemble, unit_numbers
from lossledger.kernel.layout import NEVER, Ints
from lossledger.kernel.session import Replayed, replay_bucket
from lossledger.kernel.words import NARROW, WIDE, Width
from lossledger.schemas.ledger import BUCKETS


class Asked(NamedTuple):
    """What a replay is to tell: which ids of fills, and at which instants all that has changed.

    `at_once`: a house account with so many fills is replayed while they are read.
    """

    told: Sequence[str]
    instants: Ints
    at_once: int


class Found(NamedTuple):
    """What the kernel finds of some accounts, what its numbers stand for, and the units that it leaves, by number."""

    replayed: Replayed
    numbered: Numbered
    left: Ints
    group: Group
    lots: LotRows | None = None


class GroupRows:
    """What happens to the units of some buckets, read once; not in here are the house accounts that have been replayed.

    `width`: of their amounts. `only`: some units by number, rising.
    """

    def __init__(
        self,
        setting: Setting,
        buckets: Sequence[int],
        asked: Asked,
        width: Width = NARROW,
        only: Ints | None = None,
    ) -> None:
        task, prices = setting.task, setting.prices(width)
        self.setting, self.group = setting, Group(setting.directory, buckets, width, only)
        self.instants = asked.instants
        state = read_state(task, self.group, prices)
        transfers, unfit = read_transfers(task, self.group)
        refused = np.concatenate([state.refused, unfit])
        lots = read_lots(task, self.group, prices, RECORDED)
        given = Given(task, self.group, prices, state, transfers, refused, asked.instants, lots)
        fills, room = fill_batches(task, self.group, prices, asked.told), task.most_rows("fills", buckets)
        stretches = Stretches(setting, given, asked.at_once)
        self.fills = together(stretches.others(fills) if room > asked.at_once else fills, room, width)
        self.houses = list(stretches.houses.values())
        given = given.without(list(stretches.houses))
        self.state, self.transfers = given.state, given.transfers
        self.refused = np.unique(np.concatenate([given.refused, self.fills.refused]))
        state, self.lots = self.state, self._fold(given)
        self.units = unit_numbers(
            state.states.unit, state.positions.unit, self.transfers.unit, self.fills.fills.unit
        )

    def replayed(self, snapshots: Snapshots) -> Iterator[Found]:
        """What the kernel finds; `snapshots`: of some units."""
        yield self._replayed(snapshots)
        for house in self.houses:
            replayed, assembled, numbered = house.replayed()
            left = assembled.unit_numbers[replayed.to_reference]
            yield Found(replayed, numbered, left, self.group, house.lots)

    def _fold(self, given: Given) -> LotRows | None:
        """The lots of the group's liquidators; what they settle with the fund goes into their wallets."""
        if not self.group.directory.accounts.rows["liquidator"].any():
            return None
        lots = LotRows(self.setting, self.group, given.lots)
        settled, unfit = lots.fold(self.fills, self.state.positions, self.setting.task.start, NEVER)
        self.transfers = added(self.transfers, settled)
        self.refused = np.union1d(self.refused, unfit)
        return lots

    def _replayed(self, snapshots: Snapshots) -> Found:
        directory, prices = self.setting.directory, self.setting.prices(self.group.width)
        assembled = assemble(
            self.setting.task.start,
            directory.accounts.rows,
            directory.accounts.versions,
            len(directory.places),
            self.state.states,
            self.state.positions,
            self.transfers,
            self.fills.fills,
            snapshots,
            self.refused,
            self.instants,
        )
        replayed = replay_bucket(prices.market, assembled.bucket)
        if self.lots is not None:
            settle_units(replayed.units, assembled.unit_numbers[replayed.units["unit"]], self.lots.settled())
        numbered = Numbered(directory, prices, assembled, self.fills, self.state.episodes)
        left = assembled.unit_numbers[replayed.to_reference]
        return Found(replayed, numbered, left, self.group, self.lots)


def by_the_kernel(
    setting: Setting, buckets: Sequence[int], asked: Asked, snapshots: Callable[[GroupRows], Snapshots]
) -> tuple[list[Found], Ints]:
    """What the kernel finds of the units of some buckets, in amounts of 63 bits or else of 128, and what it leaves."""
    found, left = list[Found](), np.zeros(0, np.int64)
    for width in (NARROW, WIDE):
        rows = GroupRows(setting, buckets, asked, width, left if found else None)
        now = list(rows.replayed(snapshots(rows)))
        found += now
        left = np.unique(np.concatenate([each.left for each in now]))
        if not len(left):
            break
    return found, left


def replay_group(setting: Setting, buckets: Sequence[int], at_once: int) -> tuple[Tables, list[FundingTotal]]:
    """The rows of some buckets, and what their units received in funding."""
    task = setting.task

    def wallets(rows: GroupRows) -> Snapshots:
        return read_snapshots(task, rows.group, rows.units)

    asked = Asked(ids_told(task), np.zeros(0, np.int64), at_once)
    found, units = by_the_kernel(setting, buckets, asked, wallets)
    parts = [_tables(setting, each) for each in found]
    parts.append((joined(carried_lots(setting, buckets)), []))
    left = by_reference(setting, replace(task, buckets=list(buckets)), units)
    left_lots = unwound_rows(setting, left.lots)
    left.lots, left.takeovers = left_lots.lots, left.takeovers + left_lots.takeovers
    remember(setting, left.unit_sessions)
    funding = [total for _, received in parts for total in received] + left.funding_totals
    left.funding_totals = []
    return joined([*(tables for tables, _ in parts), row_tables(left)]), funding


def _tables(setting: Setting, found: Found) -> tuple[Tables, list[FundingTotal]]:
    """The same of what the kernel found."""
    replayed, numbered = found.replayed, found.numbered
    ended, others = split(replayed)
    few = numbered.few(others)
    remember(setting, few.unit_sessions)
    opened, few.unit_sessions = few.unit_sessions, []
    many = [many_tables(replayed, numbered, opened), liquidation_tables(ended, numbered), row_tables(few)]
    if found.lots is not None:
        many += found.lots.tables(found.left)
    if len(replayed.taken):
        taken = taken_lots(setting, replayed, numbered, found.group)
        many += unwound_tables(setting, found.group, taken)
    return joined(many), numbered.funding(replayed.funding)


def carried_lots(setting: Setting, buckets: Sequence[int]) -> list[Tables]:
    """Simulated lots of earlier sessions that came from accounts of some buckets."""
    group = Group(setting.directory, buckets)
    lots = read_lots(setting.task, group, setting.prices(), SIMULATED)
    return [row_tables(SessionRows()), *unwound_tables(setting, group, lots)]


def bucket_groups(task: BucketTask, rows_at_once: int) -> Iterator[list[int]]:
    """The task's buckets in groups of about so many fills, none of which cuts a file of the ledger if it can."""
    rows, together = _fills_by_bucket(task)
    group: list[int] = []
    held = 0
    for bucket in task.buckets:
        if group and held + rows[bucket] > rows_at_once and not together[bucket]:
            yield group
            group, held = [], 0
        group.append(bucket)
        held += int(rows[bucket])
    if group:
        yield group


def _fills_by_bucket(task: BucketTask) -> tuple[Ints, Ints]:
    """How many fills files have, by their first bucket, and which buckets stand in a file with the one before."""
    rows, together = np.zeros(BUCKETS, np.int64), np.zeros(BUCKETS, np.int64)
    for file in task.sources["fills"].files():
        if file["partition.event_date"].isoformat() in task.folders:
            first, last = file.get("min.account_bucket"), file.get("max.account_bucket")
            first, last = (0, BUCKETS - 1) if first is None or last is None else (first, last)
            rows[first] += file["num_records"]
            together[first + 1 : last + 1] = 1
    return rows, together
