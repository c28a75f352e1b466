"""Every case, every table, every row: exact to the last ledger unit, however the work is cut up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from jobs.parallel import InProcess
from tests.cases import CASES, DATA, case_days, differences, expected, published, run_case, run_day_by_day
from tests.landings import permute_rows, rename_files, split_files

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", CASES)
def test_case_in_one_run(name: str, tmp_path: Path) -> None:
    run_case(name, tmp_path)
    assert differences(name, tmp_path) == {}


@pytest.mark.parametrize("name", CASES)
def test_case_day_by_day(name: str, tmp_path: Path) -> None:
    """Nothing is carried from date to date but what the warehouse holds: orders, episodes, debts, the fund."""
    run_day_by_day(name, tmp_path, InProcess(3))
    assert differences(name, tmp_path) == {}


@pytest.mark.parametrize(
    ("name", "partitions"), [("recorded_profit", 1), ("edges", 1), ("simulated_latency", 7), ("edges", 7)]
)
def test_number_of_partitions_changes_nothing(name: str, partitions: int, tmp_path: Path) -> None:
    run_case(name, tmp_path, InProcess(partitions))
    assert differences(name, tmp_path) == {}


@pytest.mark.parametrize("name", ["recorded_profit", "edges_simulated", "recorded_equity_8h"])
def test_order_and_names_of_files_change_nothing(name: str, tmp_path: Path) -> None:
    """Rows permuted, files renamed, one file a folder cut into three: the same ids and the same rows."""
    landing, plain, mixed = tmp_path / "landing", tmp_path / "plain", tmp_path / "mixed"
    permute_rows(DATA / name / "landing", landing)
    split_files(landing, parts=3)
    rename_files(landing)
    run_case(name, plain)
    run_case(name, mixed, landing=landing)
    assert differences(name, mixed) == {}
    assert published(mixed) == published(plain)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "zone", "locale"), [("edges", "Asia/Tokyo", "C"), ("recorded_equity_8h", "America/St_Johns", "tr_TR.UTF-8")]
)
def test_separate_processes_in_another_time_zone(name: str, zone: str, locale: str, tmp_path: Path) -> None:
    """One process a date, as a scheduler starts them; neither zone, locale nor hash seed is in any number."""
    for seed, day in enumerate(case_days(name)):
        command = [sys.executable, "-m", "jobs.cli", "run", "--engine", "local"]
        command += ["--landing", str(DATA / name / "landing"), "--warehouse", str(tmp_path)]
        command += ["--from", str(day), "--to", str(day)]
        env = os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": str(seed)}
        subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)
    assert differences(name, tmp_path) == {}


def test_comparison_sees_one_unit(tmp_path: Path) -> None:
    """What the tests above rest on: a last digit, a missing row and a surplus row are all differences."""
    run_case("edges", tmp_path)
    first, *others = expected("edges", "account_daily")
    digit = "1" if first["equity"][-1] == "0" else "0"
    changed = {**first, "equity": first["equity"][:-1] + digit}
    actual = published(tmp_path)["account_daily"]
    from tests.oracle.compare import diff_tables

    assert len(diff_tables([changed, *others], actual)) == 2
    assert len(diff_tables(others, actual)) == 1
    assert len(diff_tables([first, first, *others], actual)) == 1
