"""The load in tasks: what they return, repeated keys over buckets, files and dates, and columns beside the judge."""

from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import pytest

import lossledger.jobs.load.columns.load_stages as load_stages
from lossledger.engine.intake.policy import Policy
from lossledger.jobs.load.loader import Loader
from lossledger.jobs.policy_file import read_policy
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.ledger import DELIVERIES, FILES, QUARANTINE, TYPED
from lossledger.store.warehouse import Warehouse
from tests.cases import DATA

T = TypeVar("T")
R = TypeVar("R")
LANDING = DATA / "edges" / "landing"
DAYS = [date(2025, 10, 9), date(2025, 10, 10), date(2025, 10, 11)]


class Watching(InProcess):
    """Notes how large what comes back from tasks is, as it would be sent."""

    def __init__(self) -> None:
        super().__init__(3, 1)
        self.results: list[Any] = []

    def map(self, function: Callable[[T], R], tasks: Sequence[T], work: int, unit: str = "rows") -> list[R]:
        results = super().map(function, tasks, work)
        self.results += results
        return results


def load(landing: Path, warehouse: Path, days: Sequence[date] = DAYS, judge_all: bool = False) -> Watching:
    mapper = Watching()
    policy: Policy = read_policy(landing, None, None)[0]
    loader = Loader(Warehouse.create(warehouse), landing, policy, mapper, judge_all)
    reference = loader.load_reference(days[0])
    loader.deliveries.check_share = lambda *_: None
    loader.load_days(days, reference, None)
    return mapper


def contents(warehouse: Path) -> dict[str, list[str]]:
    """Every row of the tables of the load, but when it was loaded."""
    opened = Warehouse(warehouse)
    tables = (*TYPED.values(), QUARANTINE, DELIVERIES, FILES)
    return {
        t.full_name: sorted(str({**row, "loaded_at": None}) for row in opened.read(t).to_pylist())
        for t in tables
    }


def plain(value: object) -> bool:
    """Counts and short texts, in whatever holds them."""
    if isinstance(value, (list, tuple)):
        return all(map(plain, value))
    if hasattr(value, "__dict__"):
        return all(map(plain, vars(value).values()))
    return isinstance(value, (int, bool)) or (isinstance(value, str) and len(value) < 1000)


def test_tasks_return_counts_and_names_of_files(tmp_path: Path) -> None:
    results = load(LANDING, tmp_path / "w").results
    assert results
    assert all(plain(result) for result in results)


def test_columns_and_judge_load_the_same(tmp_path: Path) -> None:
    """Row for row, with the file and row each came from, the quarantine and the books."""
    load(LANDING, tmp_path / "columns")
    load(LANDING, tmp_path / "judge", judge_all=True)
    assert contents(tmp_path / "columns") == contents(tmp_path / "judge")


@pytest.mark.parametrize("many", [1, 4, 1 << 16])
def test_any_number_of_ledger_files_holds_the_same_rows(
    many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`many`: rows of a bucket in a part that are sorted there, and merged as they stand."""
    load(LANDING, tmp_path / "one")
    monkeypatch.setattr("lossledger.jobs.load.columns.pass1_partition.PRESORT_FROM_ROWS", many)
    monkeypatch.setattr("lossledger.jobs.load.columns.pass2_sort.PRESORT_FROM_ROWS", many)
    monkeypatch.setattr(load_stages, "LEDGER_FILE_ROWS", 10)
    monkeypatch.setattr(load_stages, "TASK_HASHES", 50)
    monkeypatch.setattr("lossledger.jobs.load.columns.pass2_sort.SORT_ROWS", 7)
    monkeypatch.setattr("lossledger.jobs.load.columns.pass1_partition.PART_ROWS", 20)
    load(LANDING, tmp_path / "many")
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_hashes_of_earlier_dates_are_made_again_where_they_are_missing(tmp_path: Path) -> None:
    """They follow from the ledger: a lost file changes nothing."""
    load(LANDING, tmp_path / "whole")
    load(LANDING, tmp_path / "lost", DAYS[:2])
    lost = list((tmp_path / "lost").glob("ledger/*/_keys/*/*.npy"))
    assert lost
    for path in lost:
        path.unlink()
    load(LANDING, tmp_path / "lost")
    assert contents(tmp_path / "whole") == contents(tmp_path / "lost")
