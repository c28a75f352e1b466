"""What has changed at instants, told over several stretches as over one."""

import numpy as np

from lossledger.kernel.layout import Ints, Rows
from lossledger.kernel.words import Width


class Told:
    """How units were last told: wallets, and lots and entry values by unit and instrument."""

    def __init__(self, units: int, instruments: int, width: Width) -> None:
        self._wallet = np.zeros(units, width.amount)
        self._lots = np.zeros((units, instruments), np.int64)
        self._entry_value = np.zeros((units, instruments), width.amount)

    def anew(self, rows: Rows, instants: Ints) -> Rows:
        """Rows of a stretch, which tells at the first of its instants all that its units have, as what has changed.

        `rows`: of every unit in the order of time. `instants`: the stretch's, rising.
        """
        if not len(instants):
            return rows
        at_first = rows["ts"] == instants[0]
        all_rows = np.concatenate([self._first(rows[at_first], int(instants[0])), rows[~at_first]])
        self._take(all_rows)
        return all_rows

    def _first(self, rows: Rows, ts: int) -> Rows:
        """Of all that the units have at an instant, what is not as it was told."""
        wallet, lots, entry_value = map(np.zeros_like, (self._wallet, self._lots, self._entry_value))
        row_type, held = rows.dtype, rows[rows["instrument"] >= 0]
        wallet[rows["unit"]] = rows["wallet"]
        lots[held["unit"], held["instrument"]] = held["lots"]
        entry_value[held["unit"], held["instrument"]] = held["entry_value"]
        moved = (lots != self._lots) | (entry_value != self._entry_value)
        alone = np.flatnonzero((wallet != self._wallet) & ~moved.any(axis=1))
        unit, instrument = np.nonzero(moved)
        made = np.zeros(len(unit) + len(alone), row_type)
        made["unit"], made["ts"] = np.r_[unit, alone], ts
        made["instrument"] = np.r_[instrument, np.full(len(alone), -1)]
        made["wallet"] = wallet[made["unit"]]
        made["lots"][: len(unit)] = lots[unit, instrument]
        made["entry_value"][: len(unit)] = entry_value[unit, instrument]
        return made

    def _take(self, rows: Rows) -> None:
        """In the order of time: the last of several rows of the same unit stays."""
        self._wallet[rows["unit"]] = rows["wallet"]
        rows = rows[rows["instrument"] >= 0]
        self._lots[rows["unit"], rows["instrument"]] = rows["lots"]
        self._entry_value[rows["unit"], rows["instrument"]] = rows["entry_value"]
