"""Folders of the landing zone that are Delta tables: which files are alive, at one version (inputs.md).

The log says which of the files beside it count; without it rows that were deleted would count again. Of the log nothing
is trusted: a path that leads out of the table is refused.
"""

import re
import stat
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from lossledger.engine.errors import DataError
from lossledger.jobs.load.hashed_streams import leads_out
from lossledger.jobs.terminal import printable
from lossledger.store.live_files import LOG, NoTable, live_files
from lossledger.store.places import Place, relative

HUDI, ICEBERG = ".hoodie", "metadata"
_READ = (
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
)  # features that change nothing in the data files
_PARTITION = "date"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class LandedTable:
    """Paths of the live files, relative to LANDING, by the partition's date; under None without partitions."""

    version: int
    files: Mapping[date | None, tuple[str, ...]]


def refuse_other_tables(folder: Place, names: set[str]) -> None:
    """DataError for a table of another format: its files may be dead or contain deleted rows."""
    if HUDI in names:
        raise DataError(f"{_shown(folder)} is a Hudi table ({HUDI}): deliver a Delta table or files")
    if ICEBERG in names and (folder / ICEBERG).is_dir():
        raise DataError(f"{_shown(folder)} seems to be an Iceberg table: deliver a Delta table or files")


def read_table(landing: Place, folder: Place, partitioned: bool) -> LandedTable:
    """The newest version of the table. `partitioned`: by date; else not at all. DataError: it cannot be read."""
    _check_log(landing, folder)
    try:
        found = live_files(folder)
    except NoTable as error:
        raise DataError(
            f"{_shown(folder)}: the Delta table cannot be read: {printable(str(error))}"
        ) from error
    _check_features(folder, found.features)
    if found.partitioned_by != ((_PARTITION,) if partitioned else ()):
        wanted = f"by {_PARTITION} alone" if partitioned else "by nothing"
        by = f"by {', '.join(found.partitioned_by) or 'nothing'}"
        raise DataError(
            f"{_shown(folder)}: a Delta table that is partitioned {printable(by)}: it has to be {wanted}"
        )
    files = defaultdict[date | None, list[str]](list)
    for path, values in found.files:
        day = _day(folder, values[_PARTITION]) if partitioned else None
        files[day].append(relative(folder, landing) + "/" + _inside(folder, path))
    return LandedTable(found.version, {day: tuple(sorted(paths)) for day, paths in files.items()})


def _check_log(landing: Place, folder: Place) -> None:
    """Before the library opens it: a pipe would hang it, and a link may lead anywhere."""
    log = folder / LOG
    if not isinstance(log, Path):
        return
    for path in (log, *log.rglob("*")):
        if leads_out(landing, path):
            raise DataError(f"{_shown(path)}: a link that leads out of the landing zone")
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise DataError(f"{_shown(path)}: not a regular file")


def _check_features(folder: Place, features: Sequence[str]) -> None:
    others = [name for name in features if name not in _READ]
    if others:
        raise DataError(
            f"{_shown(folder)}: the Delta table has {printable(', '.join(others))}, which cannot be read here: "
            "deliver it without, or as files"
        )


def _day(folder: Place, value: Any) -> date:
    if isinstance(value, date):
        return value
    try:
        if isinstance(value, str) and _DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise DataError(f"{_shown(folder)}: the Delta table has rows of no date: its partition is {value!r}")


def _inside(folder: Place, path: str) -> str:
    """The path of a live file below its table. DataError: it leads out, or is no Parquet file's."""
    plain = unquote(path)
    parts = plain.split("/")
    if ":" in parts[0] or "\\" in plain or not plain.isprintable() or {"", ".", ".."} & set(parts):
        raise DataError(f"{_shown(folder)}: the Delta table names a file outside of it: {printable(path)}")
    if not plain.endswith(".parquet"):
        raise DataError(
            f"{_shown(folder)}: the Delta table names a file that is not .parquet: {printable(path)}"
        )
    return plain


def _shown(folder: Place) -> str:
    return printable(str(folder))
