"""A house account on its way through the session, stretch by stretch."""

from typing import Any

import numpy as np

from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.fill_rows import joined, some
from lossledger.jobs.replay.given import Given
from lossledger.jobs.replay.instants import read_snapshots
from lossledger.jobs.replay.lot_tables import LotRows
from lossledger.jobs.replay.lots import added, settle_units
from lossledger.jobs.replay.merged import merged
from lossledger.jobs.replay.results import Numbered
from lossledger.jobs.replay.setting import Setting
from lossledger.jobs.replay.told import Told
from lossledger.kernel.columns import Assembled, Positions, Snapshots, States, Transfers, assemble
from lossledger.kernel.layout import ADL, NEVER, Market
from lossledger.kernel.session import Replayed, replay_bucket


class House:
    """The state of its units, and what has been found so far.

    Every unit that it can have is replayed in every stretch: which of them it has is known only at the end.
    """

    def __init__(self, setting: Setting, given: Given, account: int) -> None:
        self._given, self._start, places = given, given.task.start, len(given.group.directory.places)
        self.account, self.stretches = account, 0
        self._units = account * places + np.arange(places)
        self._states = self._all_states()
        self._positions = Positions(*self._mine(given.state.positions))
        self._transfers = Transfers(*self._mine(given.transfers))
        self._snapshots = read_snapshots(given.task, given.group, self._units)
        self._instants = given.instants
        named = (given.state.states.unit, self._positions.unit, self._transfers.unit)
        self._known = np.isin(self._units, np.concatenate(named))
        self._told = Told(len(self._units), len(given.group.directory.instruments), given.group.width)
        self._found: list[Replayed] = []
        liquidator = given.group.directory.accounts.rows["liquidator"][account] != 0
        mine = given.lots.of_units(self._units)
        self.lots = LotRows(setting, given.group, mine) if liquidator else None
        self._kept: list[FillRows] = []  # the fills that rows are about

    def _mine(self, rows: Positions | Transfers) -> list[Any]:
        mine = np.isin(rows.unit, self._units)
        return [column[mine] for column in rows]

    def _all_states(self) -> States:
        given = self._given.state.states
        states = States(self._units, *(np.zeros(len(self._units), column.dtype) for column in given[1:]))
        known, mine = np.isin(self._units, given.unit), np.isin(given.unit, self._units)
        for column, values in zip(states[1:], given[1:], strict=True):
            column[known] = values[mine]
        states.refused[np.isin(self._units, self._given.refused)] = 1
        return states

    def replay(self, fills: FillRows, end: int) -> None:
        """Go on up to a time. `fills`: all that there are until then, in the order of time."""
        self._known |= np.isin(self._units, fills.fills.unit)
        settled = self._fold(fills, end)
        assembled = self._assembled(fills, end, settled)
        found = replay_bucket(funded_until(self._given.prices.market, end), assembled.bucket)
        self._go_on(found, end)
        self.stretches += 1
        self._keep(found, assembled, fills)

    def _fold(self, fills: FillRows, end: int) -> Transfers | None:
        """The lots of a liquidator up to a time: what its units settle with the fund for them."""
        if self.lots is None:
            return None
        settled, unfit = self.lots.fold(fills, self._positions, self._start, end)
        self._states.refused[np.isin(self._units, unfit)] = 1
        return settled

    def _assembled(self, fills: FillRows, end: int, settled: Transfers | None = None) -> Assembled:
        """What happens until a time; it is taken out of what is to come."""
        directory = self._given.group.directory
        transfers, self._transfers = (Transfers(*part) for part in _parted(self._transfers, end))
        transfers = transfers if settled is None else added(transfers, settled)
        snapshots, self._snapshots = (Snapshots(*part) for part in _parted(self._snapshots, end))
        now = np.searchsorted(self._instants, end)
        instants, self._instants = self._instants[:now], self._instants[now:]
        return assemble(
            self._start,
            directory.accounts.rows,
            directory.accounts.versions,
            len(directory.places),
            self._states,
            self._positions,
            transfers,
            fills.fills,
            snapshots,
            fills.refused,
            instants,
        )

    def _go_on(self, found: Replayed, end: int) -> None:
        """From where a stretch has left the units."""
        states, units, held = self._states, found.units, found.positions
        wallet, debt = np.zeros((2, len(self._units)), states.wallet.dtype)
        wallet[units["unit"]], debt[units["unit"]] = units["closing_wallet"], units["closing_debt"]
        refused = states.refused.copy()
        refused[found.to_reference] = 1
        nothing = np.zeros_like(wallet)  # a charge is the first of all events
        self._states = states._replace(wallet=wallet, debt=debt, refused=refused, charge=nothing)
        columns = (held[name] for name in ("instrument", "lots", "entry_value"))
        self._positions = Positions(self._units[held["unit"]], *columns)
        self._start = end

    def _keep(self, found: Replayed, assembled: Assembled, fills: FillRows) -> None:
        """What a stretch says, with the fills that it names, numbered through."""
        found = Replayed(*(rows.copy() for rows in found))  # they are a small part of the room that they had
        deleveraged = fills.fills.kind == ADL
        before = sum(len(kept.fills.unit) for kept in self._kept)
        losses = found.adl_losses
        losses["fill"] = before + np.cumsum(deleveraged)[assembled.rows_of(losses["fill"])] - 1
        changes = self._told.anew(found.changes, assembled.bucket.instants)
        self._found.append(found._replace(changes=changes))
        self._kept.append(some(fills, deleveraged))

    def replayed(self) -> tuple[Replayed, Assembled, Numbered]:
        """The account's session; units are numbered as they are in the second."""
        given, kept = self._given, joined(self._kept)
        nothing = some(kept, np.zeros(len(kept.fills.unit), bool))
        assembled = self._assembled(nothing, NEVER)
        found = merged(self._found, self._known, self._states.refused != 0)
        if self.lots is not None:
            settle_units(found.units, assembled.unit_numbers[found.units["unit"]], self.lots.settled())
        return found, assembled, Numbered(given.group.directory, given.prices, assembled, kept, {})


def funded_until(market: Market, end: int) -> Market:
    """The market without funding from a time on."""
    instruments = market.instruments.copy()
    for row in instruments:
        events = market.funding["ts"][row["funding_from"] : row["funding_to"]]
        row["funding_to"] = row["funding_from"] + np.searchsorted(events, end)
    return market._replace(instruments=instruments)


def _parted(rows: Transfers | Snapshots, end: int) -> tuple[list[Any], list[Any]]:
    """Those before a time, and those to come."""
    now = rows.ts < end
    return [column[now] for column in rows], [column[~now] for column in rows]
