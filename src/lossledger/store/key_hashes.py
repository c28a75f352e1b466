"""Hashes of the keys that a table holds, a sorted file per date, so that a night need not read the ledger's history.

They are in the table's folder and derived from it; a missing file is computed again.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np

from lossledger.store.places import Place, fetched, place

FOLDER = "_keys"


def key_folder(table: Place) -> Place:
    """Where the hashes of all dates are."""
    return table / FOLDER


def hash_file(table: Place, day: date, sha256: str, share: int = 0) -> Place:
    """The hashes of a date as delivered."""
    return key_folder(table) / day.isoformat() / f"{sha256[:24]}-{share}.npy"


def holds(history: Sequence[str], hashes: np.ndarray) -> np.ndarray:
    """Those of the sorted hashes that a file of the history contains."""
    found = []
    for path in history:
        with fetched(place(path)) as file:
            before = np.load(file, mmap_mode="r")
        if len(before) and len(hashes):
            at = np.minimum(np.searchsorted(before, hashes), len(before) - 1)
            found.append(hashes[before[at] == hashes])
    return np.unique(np.concatenate(found)) if found else np.empty(0, np.uint64)
