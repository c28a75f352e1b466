"""The rows of an account's stretches, put together to those of its session."""

from collections.abc import Sequence

import numpy as np

from lossledger.kernel.layout import UNIT_ROW, Rows
from lossledger.kernel.session import Replayed
from lossledger.kernel.words import integers

_COUNTED = ("unit", "active")
_OPENING = ("opening_wallet", "opening_unrealised", "opening_debt")
_CLOSING = ("closing_wallet", "closing_unrealised", "closing_debt")
# As `UNIT_ROW`, but sums of any size.
_MERGED = np.dtype([(name, np.int64 if name in _COUNTED else object) for name in UNIT_ROW.names or ()])


def merged(stretches: Sequence[Replayed], known: np.ndarray, refused: np.ndarray) -> Replayed:
    """One session of what was found in one stretch after the other; fills are numbered through.

    By unit: `known`, whether it is a unit of the account at all, and `refused`, whether the kernel has refused a
    stretch of it, so that all of it is left to the reference.
    """
    tables = dict(zip(Replayed._fields, zip(*stretches, strict=True), strict=True))
    del tables["to_reference"]
    tables["positions"] = tables["positions"][-1:]  # what is held at the end
    joined = {name: np.concatenate(parts) for name, parts in tables.items()}
    for name in ("units", "positions", "adl_losses", "funding", "snapshots", "changes"):
        unit = joined[name]["unit"]
        joined[name] = joined[name][known[unit] & ~refused[unit]]
    joined["units"] = _sessions(joined["units"])
    return Replayed(**joined, to_reference=np.flatnonzero(refused))


def _sessions(rows: Rows) -> Rows:
    """One row a unit.

    A stretch without a row of a unit is one in which it has nothing and nothing happens to it. So what there is first
    and last is how the session opens and closes.
    """
    rows = rows[np.argsort(rows["unit"], kind="stable")]
    firsts = np.flatnonzero(np.diff(rows["unit"], prepend=-1))
    lasts = np.append(firsts[1:], len(rows)) - 1
    made = np.empty(len(firsts), _MERGED)
    if not len(rows):
        return made
    made["unit"] = rows["unit"][firsts]
    made["active"] = np.maximum.reduceat(rows["active"], firsts)
    for name in UNIT_ROW.names or ():
        if name in _OPENING:
            made[name] = integers(rows[name][firsts])
        elif name in _CLOSING:
            made[name] = integers(rows[name][lasts])
        elif name not in _COUNTED:
            made[name] = np.add.reduceat(np.array(integers(rows[name]), object), firsts)
    return made
