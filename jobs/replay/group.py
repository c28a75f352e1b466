"""The replay of a group of accounts: by the kernel from columns, by the reference what the kernel does not take."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

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
from kernel.columns import Assembled, Snapshots, assemble, unit_numbers
from kernel.layout import Ints
from kernel.session import Replayed, replay_bucket
from kernel.thinned import Thinned
from schemas.ledger import BUCKETS
from store.session_units import instruments_of, session_market, units_of


class Setting:
    """What all groups of a task share, read once."""

    def __init__(self, task: BucketTask) -> None:
        self.task = task
        self.directory: Directory = read_directory(task)
        self.prices: Prices = read_prices(task, self.directory)
        self._market = task.reference.market()
        self._known: set[str] = set()

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
    """What happens to the units of some buckets, read once. `told`: which ids of fills."""

    def __init__(self, setting: Setting, buckets: Sequence[int], told: Sequence[str]) -> None:
        task, prices = setting.task, setting.prices
        self.setting, self.group = setting, Group(setting.directory, buckets)
        self.state = read_state(task, self.group, prices)
        self.fills = read_fills(task, self.group, prices, told)
        self.transfers, unfit = read_transfers(task, self.group)
        self.refused = np.unique(np.concatenate([self.state.refused, unfit, self.fills.refused]))
        state = self.state
        self.units = unit_numbers(
            state.states.unit, state.positions.unit, self.transfers.unit, self.fills.fills.unit
        )

    def replayed(self, snapshots: Snapshots, instants: Ints) -> tuple[Replayed, Assembled, Numbered]:
        """What the kernel finds, on what it was given, and what its numbers stand for.

        `snapshots`: of some units; `instants`: at which all are told by what has changed.
        """
        directory, prices = self.setting.directory, self.setting.prices
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
        found = replay_bucket(prices.market, assembled.bucket)
        numbered = Numbered(directory, prices, assembled, self.fills, self.state.episodes)
        return found, assembled, numbered


def replay_group(setting: Setting, buckets: Sequence[int]) -> tuple[Tables, list[FundingTotal]]:
    """The rows of some buckets, and what their units received in funding."""
    rows = GroupRows(setting, buckets, ids_told(setting.task))
    task, group = setting.task, rows.group
    replayed, assembled, numbered = rows.replayed(
        read_snapshots(task, group, rows.units), np.zeros(0, np.int64)
    )
    ended, others = split(replayed)
    few = numbered.few(others)
    left = by_reference(setting, replace(task, buckets=group.buckets), assembled, replayed.to_reference)
    for sessions in (few.unit_sessions, left.unit_sessions):
        remember(setting, sessions)
    opened, few.unit_sessions = few.unit_sessions, []
    few.extend(left)
    funding, few.funding_totals = numbered.funding(replayed.funding) + few.funding_totals, []
    many = (many_tables(replayed, numbered, opened), liquidation_tables(ended, numbered))
    return joined([*many, row_tables(few)]), funding


def by_reference(setting: Setting, task: BucketTask, assembled: Assembled, left: Ints) -> SessionRows:
    """The rows of the units that the kernel left; `task`: of the group alone."""
    if not len(left):
        return SessionRows()
    units, market = left_units(setting, task, assembled, left)
    return Thinned(market, task.policy, task.start).replay(units)


def left_units(
    setting: Setting, task: BucketTask, assembled: Assembled, left: Ints
) -> tuple[list[UnitInput], Market]:
    """Those units and their market as the reference has them."""
    numbers = assembled.unit_numbers[left]
    owners = np.unique(numbers // len(setting.directory.places)).tolist()
    accounts = setting.directory.account_objects(owners)
    keys = {setting.directory.key(n) for n in numbers.tolist()}
    units = [unit for unit in units_of(task, accounts, accounts) if unit.key in keys]
    return units, setting.reference_market(instruments_of(units))


def remember(setting: Setting, sessions: list[UnitSession]) -> None:
    """Open episodes complete for being carried on, with the marks of instruments that nobody here held."""
    for n, unit in enumerate(sessions):
        episode = Episode.from_json(unit.open_episode) if unit.open_episode else None
        if episode is not None and episode.triggered_at >= setting.task.start:
            market = setting.task.reference.market()
            market.opening_marks = setting.prices.marks_before(episode.starts_before, setting.directory)
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
