"""Delta tables at a version, opened once a process: opening one reads its log, which grows with history."""

from functools import lru_cache
from pathlib import Path
from weakref import WeakValueDictionary

from deltalake import DeltaTable

_KEPT = 64
_written: WeakValueDictionary[str, DeltaTable] = WeakValueDictionary()


def remember(delta: DeltaTable, path: str) -> DeltaTable:
    """Note a table that its writer keeps open, and moves on with every commit."""
    _written[path] = delta
    return delta


def at_version(path: str, version: int) -> DeltaTable:
    """The table at `path` as of a version, to be read at once and not kept: its writer may move it on."""
    written = _written.get(path)
    if written is not None and written.version() == version:
        return written
    log = Path(path) / "_delta_log" / f"{version:020}.json"
    try:
        found = log.stat()
        made = (found.st_ino, found.st_mtime_ns)
    except OSError:  # only its checkpoint is left
        made = (0, 0)
    return _open(path, version, made)


@lru_cache(_KEPT)
def _open(path: str, version: int, made: tuple[int, int]) -> DeltaTable:
    """`made` tells a table from another that was at the same place before."""
    return DeltaTable(path, version=version)
