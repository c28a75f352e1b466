"""Reading the landing zone: which files there are, and their rows as delivered (inputs.md)."""

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from engine.errors import ConfigError, DataError
from engine.intake import SURPLUS, RawRow
from schemas.core import Dataset
from schemas.inputs import DATASETS
from store.scenarios import SCENARIOS

POLICY_FILE = "policy.yaml"
_DATE_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
_SUFFIXES = (".csv", ".csv.gz", ".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, order=True)
class LandedFile:
    """`path` is relative to LANDING, with forward slashes."""

    path: str
    dataset: str
    day: date | None
    sha256: str


def check_landing(landing: Path) -> None:
    """ConfigError when it is not there; DataError for a folder that is no dataset."""
    if not landing.is_dir():
        raise ConfigError(
            f"landing folder {landing} does not exist: give --landing the folder with the datasets"
        )
    for entry in sorted(landing.iterdir()):
        if entry.is_dir() and not _ignored(entry.name) and entry.name not in (*DATASETS, SCENARIOS):
            raise DataError(f"{entry}: unknown dataset folder; known are {', '.join(sorted(DATASETS))}")


def _ignored(name: str) -> bool:
    return name.startswith(("_", "."))


def dataset_days(landing: Path, dataset: Dataset) -> list[date]:
    """The dates for which a dated dataset has a folder."""
    folder = landing / dataset.name
    if not folder.is_dir():
        return []
    return sorted(_folder_day(entry) for entry in folder.iterdir() if not _ignored(entry.name))


def _folder_day(entry: Path) -> date:
    match = _DATE_FOLDER.fullmatch(entry.name)
    try:
        if match and entry.is_dir():
            return date.fromisoformat(match[1])
    except ValueError:
        pass
    raise DataError(f"{entry}: expected folders named date=YYYY-MM-DD here")


def landed_files(landing: Path, dataset: Dataset, day: date | None = None) -> list[LandedFile]:
    """The files of one delivery in order of their paths by code points, with their hashes."""
    folder = landing / dataset.name / f"date={day.isoformat()}" if day else landing / dataset.name
    if not folder.is_dir():
        return []
    files = []
    for entry in folder.iterdir():
        if _ignored(entry.name):
            continue
        if not entry.is_file() or not entry.name.endswith(_SUFFIXES):
            raise DataError(f"{entry}: not one of the file types {', '.join(_SUFFIXES)}")
        with entry.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        files.append(LandedFile(entry.relative_to(landing).as_posix(), dataset.name, day, digest))
    return sorted(files)


@dataclass
class FileRows:
    """A file's data rows in order, and the columns that are not of the dataset."""

    rows: list[RawRow]
    extra_columns: tuple[str, ...]


def read_file(landing: Path, path: str, dataset: Dataset) -> FileRows:
    """All rows of a file. DataError when it is damaged or lacks a required column."""
    try:
        columns, rows = _read(landing / path)
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise DataError(f"{path}: damaged file, deliver it again ({error})") from error
    missing = [name for name in dataset.required_columns if name not in columns]
    if missing and not (rows == [] and columns == set() and path.endswith(_SUFFIXES[2:6])):
        raise DataError(f"{path}: missing required column {', '.join(missing)}")
    known = {f.name for f in dataset.fields}
    raw = [
        RawRow(path, number, values, json.dumps(values, ensure_ascii=False, default=_plain))
        for number, values in enumerate(rows, 1)
    ]
    return FileRows(raw, tuple(sorted(str(c) for c in columns if c not in known)))


def _read(path: Path) -> tuple[set[str], list[dict[str, Any]]]:
    if path.name.endswith(".parquet"):
        return _read_parquet(path)
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = gzip.decompress(data)
    content = data.decode("utf-8-sig")
    if path.name.removesuffix(".gz").endswith(".csv"):
        return _read_csv(content)
    return _read_json(content)


def _read_csv(content: str) -> tuple[set[str], list[dict[str, Any]]]:
    lines = (line for line in csv.reader(io.StringIO(content, newline=""), strict=True) if line)
    header = next(lines, [])
    if len(set(header)) < len(header):
        raise ValueError("a column name stands twice in the header")
    rows = []
    for line in lines:
        row: dict[str, Any] = dict(zip(header, line, strict=False))
        if len(line) > len(header):
            row[SURPLUS] = line[len(header) :]
        rows.append(row)
    return set(header), rows


def _read_json(content: str) -> tuple[set[str], list[dict[str, Any]]]:
    rows = []
    for line in content.split("\n"):  # splitlines() would also split inside texts
        if line.strip():
            row = json.loads(line, parse_float=str, parse_constant=str)
            if not isinstance(row, dict):
                raise ValueError("a line is not a JSON object")
            rows.append(row)
    return {name for row in rows for name in row}, rows


def _read_parquet(path: Path) -> tuple[set[str], list[dict[str, Any]]]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
    except pa.ArrowInvalid as error:
        raise ValueError(str(error)) from error
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            micros = _to_micros(table.column(index), column.type)
            table = table.set_column(index, column.name, micros)
        elif pa.types.is_dictionary(column.type):
            table = table.set_column(index, column.name, pc.cast(table.column(index), column.type.value_type))
    return set(table.column_names), table.to_pylist()


def _to_micros(column: Any, kind: Any) -> Any:
    """Timestamps of any unit as integer microseconds; nanoseconds finer than that are an error."""
    import pyarrow as pa

    return column.cast(pa.timestamp("us", tz=kind.tz)).cast(pa.int64())


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, (date, datetime)) else str(value)


def delivery_hash(files: Iterable[LandedFile]) -> str:
    """One hash for a delivery: its paths and contents."""
    text = "\n".join(f"{f.path} {f.sha256}" for f in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()
