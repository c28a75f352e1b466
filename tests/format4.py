"""The warehouse of tests/data/warehouse_format4, as an earlier build left it: what a later one has to go on with."""

import tarfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path

DATA = Path(__file__).parent / "data" / "warehouse_format4"
OLD_DATES = (date(2025, 10, 9), date(2025, 10, 10))  # as they were published
NEW_DATE = date(2025, 10, 11)  # that can be run on it


@dataclass(frozen=True)
class Format4:
    """A copy: `report` is on both old dates, `landing` has the new one as well and is not to be changed."""

    warehouse: Path
    report: Path
    landing: Path = DATA / "landing"


def unpacked(target: Path) -> Format4:
    """A copy of the warehouse and of the report on it, below a folder."""
    with tarfile.open(DATA / "written.tar.xz") as archive:
        archive.extractall(target, filter="data")
    return Format4(target / "warehouse", target / "report")
