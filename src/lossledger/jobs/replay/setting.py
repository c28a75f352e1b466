"""What all groups of a task share, and what the kernel leaves of them to the reference."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lossledger.engine.errors import InvariantError
from lossledger.engine.events import Market
from lossledger.engine.rows import SessionRows, UnitSession
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.unit_rows import remember_marks
from lossledger.engine.rules.units import UnitInput
from lossledger.jobs.replay.directory import Directory, read_directory
from lossledger.jobs.replay.prices import Prices, read_prices
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.layout import Ints
from lossledger.kernel.words import NARROW, Width
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import BUCKETS
from lossledger.store.session_units import instruments_of, session_market, units_of
from lossledger.store.staging import Part

Written = dict[str, list[Part]]  # the parts that a task wrote of each table, by the names of REPLAYED


class Setting:
    """What is read once. `written`: parts that are staged beside the tables of the groups; None: nothing is staged."""

    def __init__(self, task: BucketTask, written: Written | None = None) -> None:
        self.task, self.written, self._parts = task, written, 0
        self.directory: Directory = read_directory(task)
        self._prices: dict[Width, Prices] = {}
        self._market = task.reference.market()
        self._known: set[str] = set()

    def stage(self, table: Table, rows: pa.Table) -> Part | None:
        """Write a part of the task's own, which is kept when it is in `written`; None without rows."""
        if self.task.staging is None:
            raise InvariantError("a task that is to write its rows was not told where")
        self._parts += 1
        number = (
            BUCKETS * self._parts + self.task.buckets[0]
        )  # beside those of the groups, which are below BUCKETS
        return self.task.staging.write_part(table, number, rows)

    def read(self, table: Table, part: Part) -> pa.Table:
        """The rows of a part that this task has written."""
        if self.task.staging is None:
            raise InvariantError("a task that is to write its rows was not told where")
        return pq.read_table(self.task.staging.files(table, [part])[0])

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


def by_reference(setting: Setting, task: BucketTask, left: Ints) -> SessionRows:
    """The rows of the units that the kernel left, by number; `task`: of the group alone."""
    if not len(left):
        return SessionRows()
    units, market = left_units(setting, task, left)
    return replay_units(units, market, task.policy, task.start)


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
