"""The replay of a group of accounts: by the kernel from columns, by the reference what the kernel does not take."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from engine.events import Market
from engine.rows import FundingTotal, SessionRows, UnitSession
from engine.rules.episode import Episode
from engine.rules.unit_rows import remember_marks
from engine.rules.units import UnitInput
from jobs.replay.directory import Directory, read_directory
from jobs.replay.events import ids_told, read_fills, read_transfers
from jobs.replay.instants import read_snapshots
from jobs.replay.liquidations import liquidation_tables, split
from jobs.replay.names import Group
from jobs.replay.prices import Prices, read_prices
from jobs.replay.results import Numbered, many_tables
from jobs.replay.source import BucketTask
from jobs.replay.state import read_state
from jobs.replay.tables import Tables, joined, row_tables
from kernel.columns import Snapshots, assemble, unit_numbers
from kernel.layout import Ints
from kernel.session import Replayed, replay_bucket
from kernel.thinned import Thinned
from kernel.words import NARROW, WIDE, Width
from schemas.ledger import BUCKETS
from store.session_units import instruments_of, session_market, units_of


class Setting:
    """What all groups of a task share, read once."""

    def __init__(self, task: BucketTask) -> None:
        self.task = task
        self.directory: Directory = read_directory(task)
        self._prices: dict[Width, Prices] = {}
        self._market = task.reference.market()
        self._known: set[str] = set()

    def prices(self, width: Width = NARROW) -> Prices:
        """The market, for amounts of a width."""
        if width not in self._prices:
            self._prices[width] = read_prices(self.task, self.directory, width)
        return self._prices[width]

    def reference_market(self, instruments: Sequence[str]) -> Market:
        """The market as the reference has it, with at least these instruments."""
        missing = sorted(set(instruments) - self._known)
        if missing:
            found = session_market(self.task, missing)
            self._market.ticks.update(found.ticks)
            self._market.funding.update(found.funding)
            self._market.opening_marks = found.opening_marks
            self._known.update(missing)
        return self._market


class GroupRows:
    """What happens to the units of some buckets, read once. `told`: which ids of fills.

    `only`: some units by number, rising. `width`: of their amounts.
    """

    def __init__(
        self,
        setting: Setting,
        buckets: Sequence[int],
        told: Sequence[str],
        width: Width = NARROW,
        only: Ints | None = None,
    ) -> None:
        task, prices = setting.task, setting.prices(width)
        self.setting, self.group = setting, Group(setting.directory, buckets, width, only)
        self.state = read_state(task, self.group, prices)
        self.fills = read_fills(task, self.group, prices, told)
        self.transfers, unfit = read_transfers(task, self.group)
        self.refused = np.unique(np.concatenate([self.state.refused, unfit, self.fills.refused]))
        state = self.state
        self.units = unit_numbers(
            state.states.unit, state.positions.unit, self.transfers.unit, self.fills.fills.unit
        )

    def replayed(self, snapshots: Snapshots, instants: Ints) -> "Found":
        """What the kernel finds.

        `snapshots`: of some units; `instants`: at which all are told by what has changed.
        """
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
            instants,
        )
        replayed = replay_bucket(prices.market, assembled.bucket)
        numbered = Numbered(directory, prices, assembled, self.fills, self.state.episodes)
        return Found(replayed, numbered, assembled.unit_numbers[replayed.to_reference])


class Found(NamedTuple):
    """What the kernel finds of a group, what its numbers stand for, and the units that do not fit into its amounts."""

    replayed: Replayed
    numbered: Numbered
    left: Ints


def by_the_kernel(
    setting: Setting,
    buckets: Sequence[int],
    told: Sequence[str],
    asked: Callable[[GroupRows], tuple[Snapshots, Ints]],
) -> list[Found]:
    """The units of some buckets: all in amounts of 63 bits, those that are left in 128; the last says what is left.

    `asked`: the arguments of `GroupRows.replayed`.
    """
    rows = GroupRows(setting, buckets, told)
    found = [rows.replayed(*asked(rows))]
    if len(found[0].left):
        rows = GroupRows(setting, buckets, told, WIDE, found[0].left)
        found.append(rows.replayed(*asked(rows)))
    return found


def replay_group(setting: Setting, buckets: Sequence[int]) -> tuple[Tables, list[FundingTotal]]:
    """The rows of some buckets, and what their units received in funding."""
    task = setting.task

    def wallets(rows: GroupRows) -> tuple[Snapshots, Ints]:
        return read_snapshots(task, rows.group, rows.units), np.zeros(0, np.int64)

    found = by_the_kernel(setting, buckets, ids_told(task), wallets)
    tables, funding = [], list[FundingTotal]()
    for replayed, numbered, _ in found:
        ended, others = split(replayed)
        few = numbered.few(others)
        remember(setting, few.unit_sessions)
        opened, few.unit_sessions = few.unit_sessions, []
        funding += numbered.funding(replayed.funding)
        tables += [
            many_tables(replayed, numbered, opened),
            liquidation_tables(ended, numbered),
            row_tables(few),
        ]
    left = by_reference(setting, replace(task, buckets=list(buckets)), found[-1].left)
    remember(setting, left.unit_sessions)
    funding += left.funding_totals
    left.funding_totals = []
    return joined([*tables, row_tables(left)]), funding


def by_reference(setting: Setting, task: BucketTask, left: Ints) -> SessionRows:
    """The rows of the units that the kernel left, by number; `task`: of the group alone."""
    if not len(left):
        return SessionRows()
    units, market = left_units(setting, task, left)
    return Thinned(market, task.policy, task.start).replay(units)


def left_units(setting: Setting, task: BucketTask, left: Ints) -> tuple[list[UnitInput], Market]:
    """Those units and their market as the reference has them."""
    owners = np.unique(left // len(setting.directory.places)).tolist()
    accounts = setting.directory.account_objects(owners)
    keys = {setting.directory.key(n) for n in left.tolist()}
    units = [unit for unit in units_of(task, accounts, accounts) if unit.key in keys]
    return units, setting.reference_market(instruments_of(units))


def remember(setting: Setting, sessions: list[UnitSession]) -> None:
    """Open episodes complete for being carried on, with the marks of instruments that nobody here held."""
    for n, unit in enumerate(sessions):
        episode = Episode.from_json(unit.open_episode) if unit.open_episode else None
        if episode is not None and episode.triggered_at >= setting.task.start:
            market = setting.task.reference.market()
            market.opening_marks = setting.prices().marks_before(episode.starts_before, setting.directory)
            sessions[n] = remember_marks(unit, market, setting.task.start)


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
