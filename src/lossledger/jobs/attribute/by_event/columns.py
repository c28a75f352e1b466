"""The states of a currency's units as arrays of 63-bit integers, worth computed by the kernel."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.rows import NegativeBalance, Snapshot
from lossledger.engine.rules.comparison import own_account
from lossledger.jobs.attribute.by_event.states import States
from lossledger.jobs.replay.prices import Prices, whole_numbers
from lossledger.kernel.layout import CANDIDATE, Ints
from lossledger.kernel.session import frozen
from lossledger.kernel.states import FITS, UNFIT, Holdings, candidates_at, marks_at, values_at
from lossledger.store.amount_arrays import Amounts, decimal_words, to_amounts


class Unfit(Exception):
    """A number does not fit: the states have to be taken in Python's integers."""


class Window(NamedTuple):
    """Changes: `place` of the position in `Holdings`, -1 for a wallet alone."""

    number: Ints
    place: Ints
    wallet: Ints
    lots: Ints
    entry_value: Ints


class ColumnStates:
    """What units hold after the changes that have been taken. Unfit: a number is too large or off its grid."""

    def __init__(self, states: States, prices: Prices, instruments: Sequence[str]) -> None:
        self._states, self._instruments = states, instruments
        self._prices = prices._replace(market=frozen(prices.market))
        count, units = len(instruments), len(states.accounts)
        code, unit = states.held_code, states.held_unit
        self._keys = code * units + unit
        self._firsts = np.searchsorted(code, np.arange(count + 1))
        by_unit = np.argsort(unit, kind="stable")
        unit_from = np.searchsorted(unit[by_unit], np.arange(units + 1))
        nothing = np.zeros(len(code), np.int64)
        wallets = np.zeros(units, np.int64)
        self._held = Holdings(unit, code, nothing, nothing.copy(), wallets, unit_from, by_unit)
        self._found = np.zeros(int(np.diff(self._firsts).max(initial=0)), CANDIDATE)
        self._marks, self._marked_at = np.zeros(count, np.int64), -1

    def window(self, changes: pa.Table) -> Window:
        """Rows of `States.windows` as they are taken."""
        number, code = (changes.column(name).to_numpy().astype(np.int64) for name in ("number", "code"))
        words = decimal_words(changes.column("quantity").combine_chunks())
        lots, exact = whole_numbers(words, self._prices.lot_steps, np.maximum(code, 0))
        wallet, entry_value = (to_amounts(changes.column(name)) for name in ("wallet", "entry_value"))
        if not exact.all() or not all(_fit(amounts) for amounts in (wallet, lots, entry_value)):
            raise Unfit
        keys = code * len(self._states.accounts) + number
        place = np.where(code < 0, -1, np.searchsorted(self._keys, keys))
        return Window(number, place, wallet, lots, entry_value)

    def take(self, window: Window, first: int, after: int) -> None:
        """In the order of time: the last of several changes of the same position stays."""
        changes = Window(*(column[first:after] for column in window))
        moved = changes.place >= 0
        self._held.wallet[changes.number] = changes.wallet
        self._held.lots[changes.place[moved]] = changes.lots[moved]
        self._held.entry_value[changes.place[moved]] = changes.entry_value[moved]

    def weights(self, event: NegativeBalance, closed: Iterable[str]) -> tuple[Ints, Ints]:
        """Units of other accounts that hold what was liquidated, rising, and the value of what they hold of it."""
        first, after = self._states.units_of(own_account(event))
        units, weights = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for code in self._marked(event.ts, closed):
            mine = slice(*self._firsts[code : code + 2])
            values = np.empty(mine.stop - mine.start, np.int64)
            if not values_at(
                self._prices.market, code, int(self._marks[code]), self._held.lots[mine], values
            ):
                raise Unfit
            unit = self._held.unit[mine]
            wanted = (values > 0) & ((unit < first) | (unit >= after))
            units.append(unit[wanted])
            weights.append(values[wanted])
        if len(units) == 2:
            return units[1], weights[1]
        if sum(int(w.max(initial=0)) for w in weights) >= FITS:
            raise Unfit
        found, place = np.unique(np.concatenate(units), return_inverse=True)
        total = np.zeros(len(found), np.int64)
        np.add.at(total, place, np.concatenate(weights))
        return found, total

    def candidates(self, event: NegativeBalance, closed: Mapping[str, int]) -> list[Snapshot]:
        """Who can be reached in the queues of some instruments, of which so much was liquidated, signed.

        Who is ranked by an exact fraction is ranked by a float first. That is off by less than one part in 10^15, so
        whoever is one part in 10^12 behind those who can give all that is wanted gives nothing.
        """
        found: list[Snapshot] = []
        own = self._states.units_of(own_account(event))
        for code in self._marked(event.ts, [name for name, size in closed.items() if size]):
            size_e18 = closed[self._instruments[code]]
            count = candidates_at(
                self._prices.market,
                self._marks,
                self._held,
                int(self._firsts[code]),
                int(self._firsts[code + 1]),
                1 if size_e18 > 0 else -1,
                self._found,
            )
            if count == UNFIT:
                raise Unfit
            rows = self._found[:count]
            unit = self._held.unit[rows["place"]]
            rows = rows[(unit < own[0]) | (unit >= own[1])]
            wanted = -(-abs(size_e18) // int(self._prices.lot_steps[code]))
            found += [self._snapshot(event, row) for row in rows[self._reached(rows, wanted)].tolist()]
        return found

    def _reached(self, rows: Amounts, wanted: int) -> Amounts:
        """Which of some candidates can have to give anything of so many lots."""
        lots = np.minimum(np.abs(self._held.lots[rows["place"]]), min(wanted, FITS))
        if not len(rows) or int(lots.max()) * len(rows) >= FITS:
            return np.ones(len(rows), bool)
        entry_value = self._held.entry_value[rows["place"]].astype(np.float64)
        score = rows["unrealised"] / entry_value * (rows["value"] / rows["equity"])
        best = np.argsort(-score)
        last = min(int(np.searchsorted(np.cumsum(lots[best]), wanted)), len(rows) - 1)
        chosen: Amounts = score >= score[best[last]] * (1 - 1e-12)
        return chosen

    def _marked(self, ts: int, instruments: Iterable[str]) -> list[int]:
        """Those of some instruments that have a mark, with the marks of ts."""
        if ts != self._marked_at:
            marks_at(self._prices.market, ts, self._marks)
            self._marked_at = ts
        codes = [self._instruments.index(name) for name in instruments]
        return [code for code in codes if self._marks[code]]

    def _snapshot(self, event: NegativeBalance, row: tuple[int, int, int, int]) -> Snapshot:
        place, value, unrealised, equity = row
        held, grids = self._held, self._prices.grids
        number, code = int(held.unit[place]), int(held.instrument[place])
        states = self._states
        unit = (event.ts, states.accounts[number].as_py(), event.currency, states.isolations[number].as_py())
        lots = int(held.lots[place]) * grids[code].lot_e18
        mark_e18 = int(self._marks[code]) * grids[code].price_e18
        worth = (lots, int(held.entry_value[place]), value, unrealised, mark_e18)
        return Snapshot._make((*unit, int(held.wallet[number]), equity, self._instruments[code], *worth))


def _fit(amounts: Amounts) -> bool:
    return amounts.dtype != object and bool((np.abs(amounts) < FITS).all())
