"""House accounts of very many fills: replayed a stretch of time at a time while the fills of their group are read.

A unit of a house account is never triggered and has no episode (rules.md section 3). So its session can be cut between
any two timestamps, and what a stretch leaves behind is what the next one starts with, as from date to date. A client's
cannot: when it is liquidated is looked for over all of its session at once.
"""

from collections.abc import Iterator

import numpy as np

from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.fill_rows import joined, parted, some
from lossledger.jobs.replay.given import Given
from lossledger.jobs.replay.house import House
from lossledger.jobs.replay.setting import Setting
from lossledger.kernel.layout import NEVER


class Stretches:
    """The house accounts of a group while its fills go by.

    `at_once`: so many fills of an account make a stretch. `houses`: the accounts that were cut, by their numbers.
    """

    def __init__(self, setting: Setting, given: Given, at_once: int) -> None:
        self._setting, self._given = setting, given
        self._places = len(given.group.directory.places)
        rows = given.group.directory.accounts.rows
        self._may_be_cut = rows["house"] != 0
        # Beside a fill of a liquidator there may be as many rows of lots.
        self._at_once = np.where(rows["liquidator"] != 0, max(1, at_once // 4), at_once)
        # An episode that is open would have to be taken from stretch to stretch too.
        self._may_be_cut[[unit // self._places for unit in given.state.episodes]] = False
        self._waiting: list[FillRows] = []
        self._counts = np.zeros(len(self._may_be_cut), np.int64)  # of what is waiting, by account
        self.houses: dict[int, House] = {}

    def others(self, batches: Iterator[FillRows]) -> Iterator[FillRows]:
        """The fills of accounts that are not cut. When they have ended, those that are have been replayed.

        `batches`: in the order of account, time and fill_id within a date.
        """
        for batch in batches:
            mine = self._may_be_cut[batch.fills.unit // self._places]
            if mine.all():
                self._take(batch)
                continue
            yield some(batch, ~mine)
            if mine.any():
                self._take(some(batch, mine))
        for account, house in self.houses.items():
            house.replay(self._taken_out(account), NEVER)
        yield from self._waiting

    def _take(self, batch: FillRows) -> None:
        self._waiting.append(batch)
        accounts = batch.fills.unit // self._places
        firsts = np.flatnonzero(np.r_[True, accounts[1:] != accounts[:-1]])
        owners = accounts[firsts]
        np.add.at(self._counts, owners, np.diff(np.r_[firsts, len(accounts)]))
        for account in np.unique(owners[self._counts[owners] >= self._at_once[owners]]).tolist():
            self._cut(account)

    def _cut(self, account: int) -> None:
        """Replay what is waiting of an account but its last timestamp, of which more may come."""
        waiting = self._taken_out(account)
        end = int(waiting.fills.ts[-1])
        fills, rest = parted(waiting, end)
        self._waiting.append(rest)
        self._counts[account] = len(rest.fills.unit)
        if len(fills.fills.unit):
            if account not in self.houses:
                self.houses[account] = House(self._setting, self._given, account)
            self.houses[account].replay(fills, end)

    def _taken_out(self, account: int) -> FillRows:
        """What has been waiting of an account, in arrays of its own."""
        waiting = joined(self._waiting)
        mine = waiting.fills.unit // self._places == account
        if mine.all():
            self._waiting = []
            return waiting
        self._waiting = [some(waiting, ~mine)]
        return some(waiting, mine)
