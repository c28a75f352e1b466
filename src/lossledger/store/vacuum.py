"""Finds files that a warehouse no longer needs: those of no retained version, and remains of dead runs."""

import os
from collections.abc import Iterator, Sequence
from datetime import date
from typing import NamedTuple

from lossledger.schemas.core import Table
from lossledger.schemas.ops import RESTATEMENTS, RUNS
from lossledger.schemas.registry import OPS, TABLES
from lossledger.store.file_history import LOG, read_file_history
from lossledger.store.key_hashes import FOLDER
from lossledger.store.places import Place, entries, files_below, relative
from lossledger.store.retained_versions import RetainedVersions
from lossledger.store.warehouse import Warehouse

_NOT_DATA = (LOG, FOLDER)
# The record of publications and their inputs: every version is kept, except of tables that are only appended to.
_ALL_KEPT = tuple(table for table in OPS.values() if table not in (RUNS, RESTATEMENTS))


class Freed(NamedTuple):
    """Files and their bytes; a file that has another name, as in a scenario, gives no bytes back."""

    files: int
    bytes: int


def unneeded_files(
    warehouse: Warehouse, retained: RetainedVersions, before_ms: int
) -> dict[Table, list[Place]]:
    """Data files of neither a retained version nor a version that was the newest at `before_ms` or since.

    A file of no version is left by a dead run; it counts when it was written before that time. All versions of the
    tables that record publications are kept.
    """
    there = [table for table in TABLES.values() if warehouse.has(table)]
    return {table: sorted(_unneeded(warehouse, table, retained, before_ms)) for table in there}


def _unneeded(
    warehouse: Warehouse, table: Table, retained: RetainedVersions, before_ms: int
) -> Iterator[Place]:
    folder = warehouse.path(table)
    history = read_file_history(warehouse, table)
    asked = retained.get(table.full_name, set()) | history.versions_since(before_ms)
    kept = history.paths if table in _ALL_KEPT else history.files_of(asked)
    known = history.paths
    for path in _data_files(folder):
        name = relative(path, folder)
        if name not in kept and (name in known or _is_old(path, before_ms)):
            yield path


def _data_files(folder: Place) -> Iterator[Place]:
    for entry in entries(folder):
        if entry.name not in _NOT_DATA:
            yield from (
                (p for p in files_below(entry) if p.name.endswith(".parquet")) if entry.is_dir() else [entry]
            )


def leftovers(root: Place, before_ms: int) -> list[Place]:
    """Files half written, and rows spilled or on their way into the ledger, that dead runs left before that time."""
    left = [p for p in _files(root / "raw" / "content") if p.name.endswith(".writing")]
    for folder in _staged(root):
        if day_of_folder(folder) is None:
            left += _files(folder)
    return [path for path in left if _is_old(path, before_ms)]


def old_staging(root: Place, before_ms: int) -> dict[date, list[Place]]:
    """The staged files of dates without a file written since that time."""
    found = {}
    for folder in _staged(root):
        files, day = _files(folder), day_of_folder(folder)
        if day is not None and all(_is_old(path, before_ms) for path in files):
            found[day] = files
    return found


def day_of_folder(folder: Place) -> date | None:
    """The date that is staged there; None for a folder of another kind."""
    try:
        return date.fromisoformat(folder.name)
    except ValueError:
        return None


def _staged(root: Place) -> list[Place]:
    staging = root / "staging"
    return entries(staging) if staging.is_dir() else []


def _files(folder: Place) -> list[Place]:
    return files_below(folder) if folder.is_dir() else []


def _is_old(path: Place, before_ms: int) -> bool:
    return path.stat().st_mtime_ns // 1_000_000 < before_ms


def remove(paths: Sequence[Place], dry_run: bool) -> Freed:
    """Remove the files, or with `dry_run` only count them."""
    size = 0
    for path in paths:
        found = path.stat()
        linked = isinstance(found, os.stat_result) and found.st_nlink > 1
        size += 0 if linked else found.st_size
        if not dry_run:
            path.unlink()
    return Freed(len(paths), size)
