"""The nightly DAG really run by Airflow, without a scheduler, on SQLite."""

import os
import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.cases import DATA, case_days, differences

pytestmark = [pytest.mark.dags, pytest.mark.slow]

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "airflow"
CASE = "recorded_profit"
STAGES = ["load", "recompute", "attribute", "check", "publish"]


@pytest.fixture
def run_night(airflow_db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """Runs one night with the given parameters, waiting so long for its turn; returns task_id -> (state, tries)."""
    # A test run would first clear every run of the DAG that has no logical date: the backfill's among them.
    monkeypatch.setattr("airflow.serialization.definitions.dag.SerializedDAG.clear_dags", lambda **_: 0)

    def run(wait: timedelta | None = None, **params: str) -> dict[str, Any]:
        from airflow.dag_processing.dagbag import DagBag

        dag = DagBag(os.environ["AIRFLOW__CORE__DAGS_FOLDER"]).dags["lossledger_nightly"]
        for task in dag.tasks:
            task.retry_delay = timedelta(0)  # a test does not wait for a real fault to pass
        if wait is not None:
            dag.get_task("load").timeout = wait.total_seconds()
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


@pytest.fixture
def waiting_dag(airflow_db: None) -> str:
    """The example of a DAG that waits for published dates, known to Airflow and not paused."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session

    bag = DagBag(EXAMPLES)
    assert (bag.import_errors, list(bag.dags)) == ({}, ["fund_report"])
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    with create_session() as session:
        session.query(DagModel).filter_by(dag_id="fund_report").update({"is_paused": False})
    return "fund_report"


def test_night_runs_every_stage_of_its_date_and_tells_who_waits_for_it(
    run_night: Callable[..., dict[str, Any]], stub: Callable[[str], Path], waiting_dag: str
) -> None:
    from airflow.models.asset import AssetPartitionDagRun
    from airflow.utils.session import create_session

    calls = stub("exit 0")
    states = run_night(business_date="2025-10-09")
    assert states == dict.fromkeys(STAGES, ("success", 1))
    assert calls.read_text().splitlines() == [f"{stage} 2025-10-09" for stage in STAGES]
    with create_session() as session:
        [started] = session.query(AssetPartitionDagRun).all()
        assert (started.target_dag_id, started.partition_key) == (waiting_dag, "2025-10-09")


@pytest.fixture
def backfill(airflow_db: None) -> Iterator[Callable[..., None]]:
    """Makes a backfill by Airflow's own command; nothing of it is left for other tests."""
    from airflow.cli.cli_parser import get_parser
    from airflow.models.backfill import Backfill
    from airflow.utils.session import create_session

    handler = signal.getsignal(signal.SIGTERM)

    def create(*words: str) -> None:
        dag = ["--dag-id", "lossledger_nightly"]
        args = get_parser().parse_args(["backfill", "create", *dag, *words])
        args.func(args)

    yield create
    signal.signal(signal.SIGTERM, handler)
    set_states("success")
    with create_session() as session:
        session.query(Backfill).update({"completed_at": datetime.now(UTC)})


def set_states(state: str | None, task: str | None = None) -> list[str]:
    """Put tasks of the backfill into a state, as if they had been run; the names of its runs, in their order."""
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        runs = session.query(DagRun.run_id).filter_by(run_type="backfill").order_by(DagRun.run_after)
        names = [name for (name,) in runs]
        tasks = session.query(TaskInstance).filter(TaskInstance.run_id.in_(names))
        (tasks.filter_by(task_id=task) if task else tasks).update({"state": state})
    return names


def test_no_night_comes_between_the_dates_of_a_backfill(
    run_night: Callable[..., dict[str, Any]],
    stub: Callable[[str], Path],
    backfill: Callable[..., None],
    nightly: ModuleType,
) -> None:
    """It takes its turn after the last of them, and is not begun before: no stage of it is run."""
    calls = stub("exit 0")
    run_night(business_date="2025-10-08")  # so that Airflow knows the DAG
    calls.unlink()
    backfill("--from-date", "2025-10-09", "--to-date", "2025-10-10T23:59", "--max-active-runs", "1")
    names = set_states(None)
    assert [name[:20] for name in names] == ["backfill__2025-10-09", "backfill__2025-10-10"]
    assert names == sorted(names)
    states = run_night(timedelta(0), business_date="2025-10-11")
    assert states["load"] == ("failed", 1)
    assert not calls.exists()
    set_states("success")
    states = run_night(timedelta(0), business_date="2025-10-11")
    assert {state for state, _ in states.values()} == {"success"}
    assert [line.split()[0] for line in calls.read_text().splitlines()] == STAGES


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


def test_two_nights_publish_what_the_case_expects(
    run_night: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """To the last unit, as one command does (tests/unit/night/test_cases.py)."""
    for day in case_days(CASE):
        states = run_night(
            business_date=str(day), landing=str(DATA / CASE / "landing"), warehouse=str(tmp_path / "w")
        )
        assert {state for state, _ in states.values()} == {"success"}
    assert differences(CASE, tmp_path / "w") == {}
