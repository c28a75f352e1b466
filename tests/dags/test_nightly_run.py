"""The nightly DAG really run by Airflow, without a scheduler, on SQLite."""

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.dags, pytest.mark.slow]

CASE = Path(__file__).resolve().parents[1] / "data" / "cases" / "recorded_profit"
STAGES = ["load", "recompute", "attribute", "check", "publish"]


@pytest.fixture
def run_night(airflow_db: None) -> Callable[..., dict[str, Any]]:
    """Runs one night with the given parameters; returns task_id -> (state, tries)."""

    def run(**params: str) -> dict[str, Any]:
        from airflow.dag_processing.dagbag import DagBag

        dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["lossledger_nightly"]
        for task in dag.tasks:
            task.retry_delay = timedelta(0)  # a test does not wait for a real fault to pass
        run = dag.test(logical_date=None, run_conf=params)
        return {ti.task_id: (str(ti.state), ti.try_number) for ti in run.get_task_instances()}

    return run


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a shell script in the place of the jobs' interpreter; returns the file that notes its calls."""

    def install(body: str) -> Path:
        calls = tmp_path / "calls"
        script = tmp_path / "python"
        script.write_text(f'#!/bin/sh\necho "$3 $9" >> {calls}\n{body}\n')
        script.chmod(0o755)
        monkeypatch.setenv("LOSSLEDGER_PYTHON", str(script))
        monkeypatch.setenv("LOSSLEDGER_LANDING", "/landing")
        monkeypatch.setenv("LOSSLEDGER_WAREHOUSE", str(tmp_path))
        return calls

    return install


def test_night_runs_every_stage_of_its_date(
    run_night: Callable[..., dict[str, Any]], stub: Callable[[str], Path]
) -> None:
    calls = stub("exit 0")
    states = run_night(business_date="2025-10-09")
    assert states == dict.fromkeys(STAGES, ("success", 1))
    assert calls.read_text().splitlines() == [f"{stage} 2025-10-09" for stage in STAGES]


def test_failed_check_stops_the_night_at_once(
    run_night: Callable[..., dict[str, Any]], stub: Callable[[str], Path]
) -> None:
    calls = stub('[ "$3" = check ] && exit 3 || exit 0')
    states = run_night(business_date="2025-10-09")
    assert states["check"] == ("failed", 1)
    assert states["publish"][0] == "upstream_failed"
    assert [line.split()[0] for line in calls.read_text().splitlines()] == STAGES[:4]


def test_conflict_is_tried_again(
    run_night: Callable[..., dict[str, Any]], stub: Callable[[str], Path], tmp_path: Path
) -> None:
    stub(f"[ -e {tmp_path}/tried ] && exit 0; touch {tmp_path}/tried; exit 4")
    states = run_night(business_date="2025-10-09")
    assert {state for state, _ in states.values()} == {"success"}
    assert states["load"] == ("success", 2)


@pytest.mark.spark
def test_two_nights_publish_what_the_command_line_publishes(
    run_night: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    landing, by_night, by_command = CASE / "landing", tmp_path / "night", tmp_path / "command"
    for date in ("2025-10-09", "2025-10-10"):
        states = run_night(business_date=date, landing=str(landing), warehouse=str(by_night))
        assert {state for state, _ in states.values()} == {"success"}
    command = [str(Path(sys.executable).with_name("lossledger")), "run", "--landing", str(landing)]
    command += ["--warehouse", str(by_command), "--from", "2025-10-09", "--to", "2025-10-10"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    published = tables(by_command)
    assert published["negative_balances"], "the case has events: an empty table would prove nothing"
    assert tables(by_night) == published


def tables(warehouse: Path) -> dict[str, list[str]]:
    """Rows of every attribution table and of the quarantine, sorted."""
    from schemas.attribution import TABLES
    from schemas.ledger import QUARANTINE
    from store.warehouse import Warehouse

    opened = Warehouse(warehouse)
    return {t.name: sorted(str(row) for row in opened.read(t).to_pylist()) for t in (*TABLES, QUARANTINE)}
