"""Warehouses that tests begin with: each date is run once in a process, and a test gets a copy of its own."""

import shutil
import tempfile
from datetime import date, timedelta
from functools import cache
from pathlib import Path

from tests.builders import D9, run_dates, small_landing
from tests.cases import DATA

SMALL = "small"


def small_warehouse(last: date, target: Path) -> Path:
    """The dates of the small landing zone from the 9th on."""
    return _copy(_lived(SMALL, last), target)


def case_warehouse(name: str, last: date, target: Path) -> Path:
    """The dates of a case from the 9th on."""
    return _copy(_lived(name, last), target)


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lossledger-lived-")


@cache
def _landing(name: str) -> Path:
    return small_landing(Path(_folder().name) / SMALL) if name == SMALL else DATA / name / "landing"


@cache
def _lived(name: str, last: date) -> Path:
    """For copying only. It goes on from the warehouse of the date before."""
    warehouse = Path(_folder().name) / f"{name}-{last}"
    if last > D9:
        _copy(_lived(name, last - timedelta(days=1)), warehouse)
    run_dates(_landing(name), warehouse, last)
    return warehouse


def _copy(source: Path, target: Path) -> Path:
    return Path(shutil.copytree(source, target))
