"""A run that dies while it publishes: what readers see stays, and the next run mends the rest."""

import shutil
from datetime import date
from pathlib import Path

import pytest

import lossledger.jobs.publish
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.ops import RUNS
from lossledger.schemas.registry import CARRIED, PUBLISHED
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
from tests.lived import case_warehouse
from tests.unchecked import unchecked

CASE = Path(__file__).resolve().parents[2] / "data" / "cases" / "recorded_profit" / "landing"
FIRST, SECOND = date(2025, 10, 9), date(2025, 10, 10)
MORE_MONEY = "m9,2025-10-09T00:00:01.000000Z,USDT,1000,injection\n"


class Killed(BaseException):
    """As from outside."""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return Path(shutil.copytree(CASE, tmp_path / "landing"))


def run_dates(landing: Path, warehouse: Path, first: date, last: date) -> list[str]:
    return list(run(Request(landing, warehouse, first, last, InProcess(1), check=unchecked)))


def kill_before_commit(landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take the first date as published, change its input, and die in the restatement: the text before the change."""
    case_warehouse("recorded_profit", FIRST, warehouse)
    movements = landing / "fund_movements" / f"date={FIRST}" / "m.csv"
    before = movements.read_text()
    movements.write_text(before + MORE_MONEY)

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(lossledger.jobs.publish, "_commit", die)
        with pytest.raises(Killed):
            run_dates(landing, warehouse, FIRST, FIRST)
    return before


def hashes(warehouse: Path) -> list[str]:
    return [row.output_sha256 for row in published_days(Warehouse(warehouse)).values()]


def rows_now(warehouse: Path) -> list[list[dict[str, object]]]:
    """What somebody sees who does not go by ops.published_days."""
    opened = Warehouse(warehouse)
    return [opened.read(t, FIRST).to_pylist() for t in (*PUBLISHED.values(), *CARRIED.values())]


def test_same_command_again_finishes_the_restatement(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_before_commit(landing, tmp_path / "w", monkeypatch)
    assert "restated" in run_dates(landing, tmp_path / "w", FIRST, FIRST)[0]
    run_dates(landing, tmp_path / "clean", FIRST, FIRST)
    assert hashes(tmp_path / "w") == hashes(tmp_path / "clean")


def test_next_date_starts_from_what_was_published(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kill_before_commit(landing, tmp_path / "w", monkeypatch)
    (landing / "fund_movements" / f"date={FIRST}" / "m.csv").write_text(before)
    run_dates(landing, tmp_path / "w", SECOND, SECOND)
    case_warehouse("recorded_profit", SECOND, tmp_path / "clean")
    assert hashes(tmp_path / "w") == hashes(tmp_path / "clean")


def test_reverted_delivery_takes_the_half_written_rows_away(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kill_before_commit(landing, tmp_path / "w", monkeypatch)
    (landing / "fund_movements" / f"date={FIRST}" / "m.csv").write_text(before)
    case_warehouse("recorded_profit", FIRST, tmp_path / "clean")
    assert rows_now(tmp_path / "w") != rows_now(tmp_path / "clean")
    run_dates(landing, tmp_path / "w", FIRST, FIRST)
    assert rows_now(tmp_path / "w") == rows_now(tmp_path / "clean")


def test_first_publication_that_died_is_told_and_noted_by_the_next_run(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All rows are in place already, but nobody has seen them: the date is published, not unchanged."""

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(lossledger.jobs.publish, "_commit", die)
        with pytest.raises(Killed):
            run_dates(landing, tmp_path / "w", FIRST, FIRST)
    assert "  published  " in run_dates(landing, tmp_path / "w", FIRST, FIRST)[0]
    outcomes = Warehouse(tmp_path / "w").read(RUNS).column("outcome").to_pylist()
    assert sorted(outcomes) == ["failed", "published"]
