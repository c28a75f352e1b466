"""Every case, every table, every row: exact to the last ledger unit, however the work is cut up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lossledger.jobs.check import check_day
from lossledger.jobs.day import Day
from lossledger.jobs.spark.mapper import InProcess
from tests.alarms import Alarms
from tests.cases import CASES, DATA, case_days, differences, expected, published, run_case, run_day_by_day
from tests.explained import differing
from tests.landings import permute_rows, rename_files, split_files
from tests.lived import case_warehouse
from tests.oracle.compare import diff_tables

ROOT = Path(__file__).parents[3]
CHECKED = ("simulated", "edges")  # with Great Expectations too


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The warehouse of `edges`, to look at."""
    return case_warehouse("edges", case_days("edges")[-1], tmp_path_factory.mktemp("edges") / "warehouse")


@pytest.mark.parametrize("name", CASES)
def test_case_in_one_run(name: str, tmp_path: Path) -> None:
    """And no rule complains of any date, and explain finds what is published."""
    alarms = Alarms()

    def check(day: Day, run_id: str) -> None:
        alarms(day, run_id)
        if name in CHECKED:
            check_day(day, run_id)

    run_case(name, tmp_path, check=check)
    assert alarms.found == {day: [] for day in case_days(name)}
    assert differences(name, tmp_path) == {}
    assert list(differing(tmp_path)) == []


@pytest.mark.parametrize(
    ("name", "partitions"),
    [
        ("edges", 1),
        ("edges_simulated", 7),
        ("edges_takeover", 7),
        ("takeover_simulated", 2),
        ("recorded_equity_8h", 2),
        ("simulated_latency", 7),
    ],
)
def test_case_day_by_day(name: str, partitions: int, tmp_path: Path) -> None:
    """Nothing is carried from date to date but what the warehouse holds: orders, episodes, debts, the fund."""
    run_day_by_day(name, tmp_path, InProcess(partitions))
    assert differences(name, tmp_path) == {}


@pytest.mark.parametrize("name", ["edges_simulated", "recorded_none"])
def test_order_and_names_of_files_change_nothing(name: str, tmp_path: Path) -> None:
    """Rows permuted, files renamed, a file cut into three."""
    permute_rows(DATA / name / "landing", tmp_path / "landing")
    split_files(tmp_path / "landing", parts=3)
    rename_files(tmp_path / "landing")
    run_case(name, tmp_path / "warehouse", landing=tmp_path / "landing")
    assert differences(name, tmp_path / "warehouse") == {}


def test_ids_are_those_of_any_other_run(edges: Path, tmp_path: Path) -> None:
    """Ids depend on what a row is about, not on files, partitions or the run."""
    permute_rows(DATA / "edges" / "landing", tmp_path / "landing")
    run_case("edges", tmp_path / "other", InProcess(5), tmp_path / "landing")
    assert published(edges) == published(tmp_path / "other")


UNCHECKED = """
import sys, lossledger.cli.main, tests.unchecked
lossledger.cli.main.request_from = tests.unchecked.unchecked_request
sys.exit(lossledger.cli.main.main())
"""


@pytest.mark.slow
def test_separate_processes_in_other_time_zones(tmp_path: Path) -> None:
    """One process a date, as a scheduler starts them; neither zone, locale nor hash seed is in any number."""
    name, places = "recorded_equity_8h", [("Asia/Tokyo", "C"), ("America/St_Johns", "tr_TR.UTF-8")]
    for seed, (day, (zone, locale)) in enumerate(zip(case_days(name), places, strict=True)):
        command = [sys.executable, "-c", UNCHECKED, "run"]
        command += ["--engine", "local", "--from", str(day), "--to", str(day)]
        command += ["--landing", str(DATA / name / "landing"), "--warehouse", str(tmp_path)]
        env = os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(seed)}
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    assert differences(name, tmp_path) == {}


def test_comparison_sees_one_unit(edges: Path) -> None:
    """What the tests above rest on: a last digit, a missing row and a surplus row are all differences."""
    first, *others = expected("edges", "account_daily")
    digit = "1" if first["equity"][-1] == "0" else "0"
    changed = {**first, "equity": first["equity"][:-1] + digit}
    actual = published(edges)["account_daily"]
    assert len(diff_tables([changed, *others], actual)) == 2
    assert len(diff_tables(others, actual)) == 1
    assert len(diff_tables([first, first, *others], actual)) == 1


@pytest.mark.slow
def test_processes_beside_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What tasks are told can be sent to another process, and what they find comes back."""
    monkeypatch.setattr("lossledger.jobs.spark.mapper.POOL_FROM_WORK", 0)
    run_case("edges", tmp_path, InProcess(2, processes=2))
    assert differences("edges", tmp_path) == {}
