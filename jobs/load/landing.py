"""The landing zone: which files there are, and the hash of each (inputs.md). It is not trusted."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, cast

from engine.errors import ConfigError, DataError
from jobs.load.source import HashedStream, Refused, changed, leads_out, open_landed
from jobs.spark.mapper import InProcess, Mapper
from jobs.terminal import printable
from schemas.core import Dataset
from schemas.inputs import DATASETS
from store.places import Place, entries, relative
from store.scenarios import SCENARIOS

POLICY_FILE = "policy.yaml"
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)  # what every tool on the way has times for
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
    """ConfigError when it is not there or not apart from the warehouse; DataError for a folder that is no dataset."""
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
            known = ", ".join(sorted(DATASETS))
            raise DataError(f"{_shown(entry)}: unknown dataset folder; known are {known}")
        _check_inside(landing, entry)


def _lies_in(one: Place, other: Place) -> bool:
    return type(one) is type(other) and one.is_relative_to(cast(Any, other))


def _shown(path: Place) -> str:
    return printable(str(path))


def _check_inside(landing: Place, folder: Place) -> None:
    if leads_out(landing, folder):
        raise DataError(f"{_shown(folder)}: a link that leads out of the landing zone")


def _ignored(name: str) -> bool:
    return name.startswith(("_", "."))


def dataset_days(landing: Place, dataset: Dataset) -> list[date]:
    """The dates for which a dated dataset has a folder."""
    folder = landing / dataset.name
    if not folder.is_dir():
        return []
    _check_inside(landing, folder)
    return sorted(_folder_day(landing, entry) for entry in folder.iterdir() if not _ignored(entry.name))


def _folder_day(landing: Place, entry: Place) -> date:
    match = _DATE_FOLDER.fullmatch(entry.name)
    try:
        if match and entry.is_dir():
            day = date.fromisoformat(match[1])
            if entry.is_symlink():  # nothing else leads out of a folder that is inside
                _check_inside(landing, entry)
            if not FIRST_DAY <= day <= LAST_DAY:
                raise DataError(f"{_shown(entry)}: dates from {FIRST_DAY} to {LAST_DAY} can be loaded")
            return day
    except ValueError:
        pass
    raise DataError(f"{_shown(entry)}: expected folders named date=YYYY-MM-DD here")


def landed_files(
    landing: Place, dataset: Dataset, day: date | None = None, mapper: Mapper | None = None
) -> list[LandedFile]:
    """The files of one delivery in order of their paths by code points, with their hashes, made in tasks."""
    folder = landing / dataset.name / f"date={day.isoformat()}" if day else landing / dataset.name
    if not folder.is_dir():
        return []
    paths = []
    for entry in folder.iterdir():
        if _ignored(entry.name):
            continue
        if entry.is_dir() or not entry.name.endswith(_SUFFIXES):
            raise DataError(f"{_shown(entry)}: not one of the file types {', '.join(_SUFFIXES)}")
        paths.append(relative(entry, landing))
    tasks = list(_hash_tasks(landing, sorted(paths)))
    work = sum(task.size for task in tasks)
    hashes = (mapper or InProcess(1, 1)).map(hash_files, tasks, work, "bytes")
    return [
        LandedFile(path, dataset.name, day, *of_file)
        for task, of_task in zip(tasks, hashes, strict=True)
        for path, of_file in zip(task.paths, of_task, strict=True)
    ]


@dataclass(frozen=True)
class HashTask:
    """Some files of the landing zone, and about how many bytes they have."""

    landing: Place
    paths: tuple[str, ...]
    size: int


def _hash_tasks(landing: Place, paths: Sequence[str]) -> Iterator[HashTask]:
    """Large files one by one, small ones together."""
    some: list[str] = []
    size = 0
    for path in paths:
        some.append(path)
        with suppress(OSError):  # who hashes it tells what is wrong
            size += (landing / path).stat().st_size
        if size >= _HASHED_BYTES or len(some) == _HASHED_FILES:
            yield HashTask(landing, tuple(some), size)
            some, size = [], 0
    if some:
        yield HashTask(landing, tuple(some), size)


def hash_files(task: HashTask) -> list[tuple[str, int]]:
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
