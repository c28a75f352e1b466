"""What all groups of a task share, and what the kernel leaves of them to the reference."""

from collections.abc import Sequence

import numpy as np

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
from lossledger.store.session_units import instruments_of, session_market, units_of


class Setting:
    """What is read once."""

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
