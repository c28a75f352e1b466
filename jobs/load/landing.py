"""The landing zone: which files there are, and the hash of each (inputs.md). It is not trusted."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from engine.errors import ConfigError, DataError
from jobs.load.source import HashedStream, Refused, changed, leads_out, open_landed
from jobs.terminal import printable
from schemas.core import Dataset
from schemas.inputs import DATASETS
from store.scenarios import SCENARIOS

POLICY_FILE = "policy.yaml"
FIRST_DAY, LAST_DAY = date(1970, 1, 2), date(2199, 12, 31)  # what every tool on the way has times for
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


def check_landing(landing: Path, warehouse: Path) -> None:
    """ConfigError when it is not there or not apart from the warehouse; DataError for a folder that is no dataset."""
    if not landing.is_dir():
        raise ConfigError(
            f"landing folder {landing} does not exist: give --landing the folder with the datasets"
        )
    inside, around = landing.resolve(), warehouse.resolve()
    if inside.is_relative_to(around) or around.is_relative_to(inside):
        raise ConfigError(
            f"landing folder {landing} and warehouse {warehouse} lie in one another: keep them apart"
        )
    for entry in sorted(landing.iterdir()):
        if not entry.is_dir() or _ignored(entry.name):
            continue
        if entry.name not in (*DATASETS, SCENARIOS):
            known = ", ".join(sorted(DATASETS))
            raise DataError(f"{_shown(entry)}: unknown dataset folder; known are {known}")
        _check_inside(landing, entry)


def _shown(path: Path) -> str:
    return printable(str(path))


def _check_inside(landing: Path, folder: Path) -> None:
    if leads_out(landing, folder):
        raise DataError(f"{_shown(folder)}: a link that leads out of the landing zone")


def _ignored(name: str) -> bool:
    return name.startswith(("_", "."))


def dataset_days(landing: Path, dataset: Dataset) -> list[date]:
    """The dates for which a dated dataset has a folder."""
    folder = landing / dataset.name
    if not folder.is_dir():
        return []
    return sorted(_folder_day(landing, entry) for entry in folder.iterdir() if not _ignored(entry.name))


def _folder_day(landing: Path, entry: Path) -> date:
    match = _DATE_FOLDER.fullmatch(entry.name)
    try:
        if match and entry.is_dir():
            day = date.fromisoformat(match[1])
            _check_inside(landing, entry)
            if not FIRST_DAY <= day <= LAST_DAY:
                raise DataError(f"{_shown(entry)}: dates from {FIRST_DAY} to {LAST_DAY} can be loaded")
            return day
    except ValueError:
        pass
    raise DataError(f"{_shown(entry)}: expected folders named date=YYYY-MM-DD here")


def landed_files(landing: Path, dataset: Dataset, day: date | None = None) -> list[LandedFile]:
    """The files of one delivery in order of their paths by code points, with their hashes."""
    folder = landing / dataset.name / f"date={day.isoformat()}" if day else landing / dataset.name
    if not folder.is_dir():
        return []
    files = []
    for entry in folder.iterdir():
        if _ignored(entry.name):
            continue
        if entry.is_dir() or not entry.name.endswith(_SUFFIXES):
            raise DataError(f"{_shown(entry)}: not one of the file types {', '.join(_SUFFIXES)}")
        path = entry.relative_to(landing).as_posix()
        digest, size = _hashed(landing, path)
        files.append(LandedFile(path, dataset.name, day, digest, size))
    return sorted(files)


def _hashed(landing: Path, path: str) -> tuple[str, int]:
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


def delivery_hash(files: Iterable[LandedFile]) -> str:
    """One hash for a delivery: its paths and contents."""
    text = "\n".join(f"{f.path} {f.sha256}" for f in sorted(files))
    return hashlib.sha256(text.encode()).hexdigest()
