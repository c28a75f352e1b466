"""Folders of the landing zone that are Delta tables: which files are alive, at one version (inputs.md).

The log says which of the files beside it count; without it rows that were deleted would count again. Of the log nothing
is trusted: a path that leads out of the table is refused.
"""

import re
import stat
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from engine.errors import DataError
from jobs.load.source import leads_out
from jobs.terminal import printable
from store.places import Place, entries, open_binary, open_table, relative

LOG, HUDI, ICEBERG = "_delta_log", ".hoodie", "metadata"
_READ = (
    "timestampNtz",
    "v2Checkpoint",
    "vacuumProtocolCheck",
)  # features that change nothing in the data files
_PARTITION = "date"
_COMMIT = 1 << 20  # bytes of a commit that are looked at
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class LandedTable:
    """Paths of the live files, relative to LANDING, by the partition's date; all under None where there is none."""

    version: int
    files: Mapping[date | None, tuple[str, ...]]


def refuse_other_tables(folder: Place, names: set[str]) -> None:
    """DataError for a table of another format: its loose files may be dead, or hold what is deleted."""
    if HUDI in names:
        raise DataError(f"{_shown(folder)} is a Hudi table ({HUDI}): deliver a Delta table or files")
    if ICEBERG in names and (folder / ICEBERG).is_dir():
        raise DataError(f"{_shown(folder)} seems to be an Iceberg table: deliver a Delta table or files")


def read_table(landing: Place, folder: Place, partitioned: bool) -> LandedTable:
    """The newest version of the table. `partitioned`: by date; else not at all. DataError: it cannot be read."""
    _check_log(landing, folder)
    try:
        table = open_table(folder)
        _check_features(folder, table)
        columns = table.metadata().partition_columns
        live = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except DeltaError as error:
        why = f"{printable(str(error))}{_mapping(folder)}"
        raise DataError(f"{_shown(folder)}: the Delta table cannot be read: {why}") from error
    if columns != ([_PARTITION] if partitioned else []):
        wanted = f"by {_PARTITION} alone" if partitioned else "by nothing"
        found = f"by {', '.join(columns)}" if columns else "by nothing"
        raise DataError(
            f"{_shown(folder)}: a Delta table that is partitioned {printable(found)}: it has to be {wanted}"
        )
    files = defaultdict[date | None, list[str]](list)
    for file in live:
        day = _day(folder, file[f"partition.{_PARTITION}"]) if partitioned else None
        files[day].append(relative(folder, landing) + "/" + _inside(folder, file["path"]))
    return LandedTable(table.version(), {day: tuple(sorted(paths)) for day, paths in files.items()})


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


def _check_features(folder: Place, table: DeltaTable) -> None:
    features = [f for f in table.protocol().reader_features or () if f not in _READ]
    mapping = table.metadata().configuration.get("delta.columnMapping.mode", "none")
    if mapping != "none" and "columnMapping" not in features:
        features.append("columnMapping")
    if features:
        raise DataError(
            f"{_shown(folder)}: the Delta table has {printable(', '.join(sorted(features)))}, which cannot be "
            "read here: deliver it without, or as files"
        )


def _mapping(folder: Place) -> str:
    """What the library does not say of a table that it cannot open: that its columns have other names in the files."""
    for path in entries(folder / LOG):
        if path.name.endswith(".json"):
            with open_binary(path) as file:
                if b"delta.columnMapping.mode" in file.read(_COMMIT):
                    return " (it has column mapping)"
    return ""


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
