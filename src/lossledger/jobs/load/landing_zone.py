"""The landing zone: which files there are, and the hash of each (inputs.md). It is not trusted."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from lossledger.engine.errors import ConfigError, DataError
from lossledger.jobs.load.adapted_landing import refuse_older_edition
from lossledger.jobs.load.hashed_streams import HashedStream, Refused, changed, leads_out, open_landed
from lossledger.jobs.load.landed_tables import LandedTable, read_table, refuse_other_tables
from lossledger.jobs.spark.mapper import InProcess, Mapper
from lossledger.jobs.terminal import printable
from lossledger.schemas.core import Dataset
from lossledger.schemas.inputs import DATASETS
from lossledger.store.live_files import LOG
from lossledger.store.places import Place, entries, relative
from lossledger.store.scenario_folders import SCENARIOS

POLICY_FILE = "policy.yaml"
NOT_YET = ("owners",)  # datasets of the contract that are not built
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)  # the range that every tool involved supports
_HASHED_BYTES, _HASHED_FILES = 16 << 20, 50  # of a task
_DATE_FOLDER = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
_SUFFIXES = (".csv", ".csv.gz", ".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, order=True)
class LandedFile:
    """`path` is relative to LANDING, with forward slashes."""

    path: str
    dataset: str
    day: date | None
    sha256: str
    size: int  # bytes


def check_landing(landing: Place, warehouse: Place) -> None:
    """ConfigError: it is not there, or not apart from the warehouse.

    DataError: a folder that is no dataset; an earlier edition of an adapter wrote it.
    """
    if not landing.is_dir():
        raise ConfigError(
            f"landing folder {landing} does not exist: give --landing the folder with the datasets"
        )
    inside, around = landing.resolve(), warehouse.resolve()
    if _lies_in(inside, around) or _lies_in(around, inside):
        raise ConfigError(
            f"landing folder {landing} and warehouse {warehouse} lie in one another: keep them apart"
        )
    for entry in entries(landing):
        if not entry.is_dir() or _ignored(entry.name):
            continue
        if entry.name not in (*DATASETS, SCENARIOS):
            if entry.name in NOT_YET:
                raise DataError(
                    f"{_shown(entry)}: not yet; this version does not read it, take the folder away"
                )
            known = ", ".join(sorted(DATASETS))
            raise DataError(f"{_shown(entry)}: unknown dataset folder; known are {known}")
        _check_inside(landing, entry)
    refuse_older_edition(landing)


def _lies_in(one: Place, other: Place) -> bool:
    return type(one) is type(other) and one.is_relative_to(cast(Any, other))


def _shown(path: Place) -> str:
    return printable(str(path))


def _check_inside(landing: Place, folder: Place) -> None:
    if leads_out(landing, folder):
        raise DataError(f"{_shown(folder)}: a link that leads out of the landing zone")


def _ignored(name: str) -> bool:
    return name.startswith(("_", "."))


class LandedTables:
    """The datasets that are Delta tables, each read once: all dates of a run see one version of it."""

    def __init__(self, landing: Place) -> None:
        self._landing = landing
        self._found: dict[str, LandedTable | None] = {}
        self._of_dates: dict[tuple[str, date], LandedTable] = {}

    def of(self, dataset: Dataset) -> LandedTable | None:
        """None where the dataset's folder is no table. DataError: it cannot be read."""
        if dataset.name not in self._found:
            folder = self._landing / dataset.name
            names = {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()
            _check_inside(self._landing, folder)
            refuse_other_tables(folder, names)
            is_table = LOG in names
            self._found[dataset.name] = read_table(self._landing, folder, dataset.dated) if is_table else None
        return self._found[dataset.name]

    def of_date(self, dataset: Dataset, day: date) -> LandedTable:
        """The table that a date's folder is."""
        if (dataset.name, day) not in self._of_dates:
            folder = self._landing / dataset.name / f"date={day.isoformat()}"
            self._of_dates[dataset.name, day] = read_table(self._landing, folder, False)
        return self._of_dates[dataset.name, day]

    def version(self, dataset: Dataset, day: date | None) -> int | None:
        """Of the table that a delivery was read from; None where it was files."""
        table = self.of(dataset) or (self._of_dates.get((dataset.name, day)) if day else None)
        return table.version if table else None


def dataset_days(landing: Place, dataset: Dataset, tables: LandedTables | None = None) -> list[date]:
    """The dates for which a dated dataset has a folder or a partition."""
    folder = landing / dataset.name
    if not folder.is_dir():
        return []
    _check_inside(landing, folder)
    table = (tables or LandedTables(landing)).of(dataset)
    if table:  # other folders may be remains, or not committed yet
        return sorted(_in_range(folder, day) for day in table.files if day)
    return sorted(_folder_day(landing, entry) for entry in folder.iterdir() if not _ignored(entry.name))


def _folder_day(landing: Place, entry: Place) -> date:
    match = _DATE_FOLDER.fullmatch(entry.name)
    try:
        if match and entry.is_dir():
            day = date.fromisoformat(match[1])
            if entry.is_symlink():  # nothing else leads out of a folder that is inside
                _check_inside(landing, entry)
            return _in_range(entry, day)
    except ValueError:
        pass
    raise DataError(f"{_shown(entry)}: expected folders named date=YYYY-MM-DD here")


def _in_range(where: Place, day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise DataError(f"{_shown(where)}: dates from {FIRST_DAY} to {LAST_DAY} can be loaded, not {day}")
    return day


def landed_files(
    landing: Place,
    dataset: Dataset,
    day: date | None = None,
    mapper: Mapper | None = None,
    tables: LandedTables | None = None,
) -> list[LandedFile]:
    """The files of one delivery in order of their paths by code points, with their hashes, made in tasks."""
    paths = _paths(landing, dataset, day, tables or LandedTables(landing))
    tasks = list(_hash_tasks(landing, sorted(paths)))
    work = sum(task.size for task in tasks)
    hashes = (mapper or InProcess(1, 1)).map(hash_files, tasks, work, "bytes")
    return [
        LandedFile(path, dataset.name, day, *of_file)
        for task, of_task in zip(tasks, hashes, strict=True)
        for path, of_file in zip(task.paths, of_task, strict=True)
    ]


def _paths(landing: Place, dataset: Dataset, day: date | None, tables: LandedTables) -> Sequence[str]:
    """Of a delivery, relative to LANDING; of a table those of the live files."""
    table = tables.of(dataset)
    if table:
        return table.files.get(day, ())
    folder = landing / dataset.name / f"date={day.isoformat()}" if day else landing / dataset.name
    found: list[Any] = list(folder.iterdir()) if folder.is_dir() else []
    if day:
        refuse_other_tables(folder, {entry.name for entry in found})
        if any(entry.name == LOG for entry in found):
            return tables.of_date(dataset, day).files.get(None, ())
    paths = []
    for entry in found:
        if _ignored(entry.name):
            continue
        if entry.is_dir() or not entry.name.endswith(_SUFFIXES):
            raise DataError(f"{_shown(entry)}: not one of the file types {', '.join(_SUFFIXES)}")
        paths.append(relative(entry, landing))
    return paths


@dataclass(frozen=True)
class FileHashTask:
    """Files of the landing zone to hash, and their bytes, about."""

    landing: Place
    paths: tuple[str, ...]
    size: int


def _hash_tasks(landing: Place, paths: Sequence[str]) -> Iterator[FileHashTask]:
    """Large files one by one, small ones together."""
    some: list[str] = []
    size = 0
    for path in paths:
        some.append(path)
        with suppress(OSError):  # hash_files reports the error
            size += (landing / path).stat().st_size
        if size >= _HASHED_BYTES or len(some) == _HASHED_FILES:
            yield FileHashTask(landing, tuple(some), size)
            some, size = [], 0
    if some:
        yield FileHashTask(landing, tuple(some), size)


def hash_files(task: FileHashTask) -> list[tuple[str, int]]:
    """SHA-256 and size of each file. DataError: it cannot be read or is not to be."""
    return [_hashed(task.landing, path) for path in task.paths]


def _hashed(landing: Place, path: str) -> tuple[str, int]:
    shown = printable(path)
    try:
        path.encode()
        with open_landed(landing, path) as file:
            return HashedStream(file).sha256(), file.tell()
    except UnicodeEncodeError:
        raise DataError(f"{shown}: the file's name is not UTF-8") from None
    except Refused as error:
        raise DataError(f"{shown}: {error}") from error
    except FileNotFoundError as error:
        if (landing / path).is_symlink():
            raise DataError(f"{shown}: a link to nothing") from error
        raise changed(shown) from error
    except PermissionError:
        raise
    except OSError as error:
        raise DataError(f"{shown} cannot be read: {error.strerror}") from error


def files_hash(files: Iterable[LandedFile]) -> str:
    """One hash for the files of a delivery: their paths and contents."""
    text = "\n".join(f"{f.path} {f.sha256}" for f in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()
