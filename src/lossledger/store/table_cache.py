"""Caches Delta tables at a version in a process: opening one reads its log, which grows with history."""

from functools import lru_cache
from weakref import WeakValueDictionary

from deltalake import DeltaTable

from lossledger.store.places import open_table, place, stamp

_KEPT = 64
_written: WeakValueDictionary[str, DeltaTable] = WeakValueDictionary()


def remember(delta: DeltaTable, path: str) -> DeltaTable:
    """Register a table that its writer keeps open and updates with every commit."""
    _written[path] = delta
    return delta


def at_version(path: str, version: int) -> DeltaTable:
    """The table at `path` as of a version, for immediate use only: its writer may update it."""
    written = _written.get(path)
    if written is not None and written.version() == version:
        return written
    try:
        made = stamp(place(path) / "_delta_log" / f"{version:020}.json")
    except OSError:  # only its checkpoint is left
        made = ()
    return _open(path, version, made)


@lru_cache(_KEPT)
def _open(path: str, version: int, made: tuple[object, ...]) -> DeltaTable:
    """`made` distinguishes a table from an earlier one at the same path."""
    return open_table(path, version)
