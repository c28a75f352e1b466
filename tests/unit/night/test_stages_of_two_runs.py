"""Stages of two scheduler's runs in one warehouse: none goes on with what the other has loaded."""

from datetime import date
from pathlib import Path

import pytest

from lossledger.cli import stage
from lossledger.jobs.stages import NAMES
from lossledger.schemas.attribution import ACCOUNT_DAILY
from lossledger.schemas.ops import PUBLISHED_DAYS
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, deliver, run_dates, small_landing
from tests.lived import small_warehouse

pytestmark = pytest.mark.usefixtures("unchecked_cli")

DELIVERED = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    t0          | 2025-10-09T09:30:00Z | b          | USD      |           | 5      | deposit
"""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


def run_stage(landing: Path, name: str, day: date, run: str, to: date | None = None) -> int:
    words = [name, "--engine", "local", "--landing", str(landing), "--warehouse", f"{landing}/../w"]
    words += ["--business-date", str(day), "--asked-by", run]
    return stage.main([*words, "--to", str(to)] if to else words)


def test_a_stage_of_another_run_is_refused(landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The night has loaded the date, then a backfill loads it anew: the night does not publish a mixture."""
    assert run_stage(landing, "load", D9, "scheduled") == 0
    assert run_stage(landing, "recompute", D9, "scheduled") == 0
    assert run_stage(landing, "load", D9, "backfill") == 0
    capsys.readouterr()
    assert run_stage(landing, "attribute", D9, "scheduled") == 2
    said = capsys.readouterr().err
    assert "2025-10-09 has been loaded by another run since (backfill): run the stage load again" in said
    assert [run_stage(landing, name, D9, "backfill") for name in NAMES[1:]] == [0] * 4
    assert Warehouse(landing.parent / "w").days(PUBLISHED_DAYS) == [D9]


def test_a_date_between_two_others_is_refused_once_the_one_before_it_changed(
    landing: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What runs outside the scheduler are not kept from: no number is computed from one that is gone."""
    small_warehouse(D9, landing.parent / "w")
    assert run_stage(landing, "load", D10, "scheduled") == 0
    deliver(landing, "transfers", DELIVERED, D9, "late.csv")
    run_dates(landing, landing.parent / "w", D9)
    capsys.readouterr()
    assert run_stage(landing, "recompute", D10, "scheduled") == 2
    assert "the date before 2025-10-10 has been published anew since" in capsys.readouterr().err


def test_a_range_is_restated_a_date_at_a_time(landing: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a backfill does it: each date says up to which one the range goes; without that it is refused."""
    warehouse = landing.parent / "w"
    small_warehouse(D10, warehouse)
    deliver(landing, "transfers", DELIVERED, D9, "late.csv")
    assert [run_stage(landing, name, D9, "one") for name in NAMES] == [0, 0, 0, 0, 2]
    assert "run again with --to 2025-10-10" in capsys.readouterr().err
    for day in (D9, D10):
        assert [run_stage(landing, name, day, f"backfill {day}", D10) for name in NAMES] == [0] * 5
    whole = landing.parent / "whole"
    run_dates(landing, whole, D9, D10)
    rows = [sorted(map(str, Warehouse(w).read(ACCOUNT_DAILY).to_pylist())) for w in (warehouse, whole)]
    assert rows[0] == rows[1]
