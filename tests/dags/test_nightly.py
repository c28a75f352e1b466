"""What the nightly DAG promises: how it parses, what it runs, and which failures are tried again."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.dags

NIGHTLY = Path(__file__).resolve().parents[2] / "dags" / "nightly.py"
HEAVY = [
    "pyspark",
    "delta",
    "deltalake",
    "pandas",
    "numpy",
    "pyarrow",
    "great_expectations",
    "duckdb",
    "jobs",
    "engine",
]


def context(key: str | None = None, **params: str) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(partition_key=key, run_id="scheduled__1"), "params": params}


def test_dag_folder_parses_without_errors() -> None:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(NIGHTLY.parent)
    assert bag.import_errors == {}
    names = ("nightly", "late", "maintenance", "report")
    assert set(bag.dags) == {f"lossledger_{name}" for name in names}
    # Nobody looks at a schedule that seems to be well: whatever fails in any of them is told.
    assert [t.task_id for dag in bag.dags.values() for t in dag.tasks if not t.on_failure_callback] == []


def test_parsing_imports_nothing_heavy() -> None:
    code = (
        f"import runpy, sys; sys.path.append({str(NIGHTLY.parent)!r}); "
        "import airflow.sdk; before = set(sys.modules); "
        f"[runpy.run_path(f'{NIGHTLY.parent}/{{name}}.py') for name in ('nightly', 'late', 'maintenance', 'report')]; "
        f"print([m for m in {HEAVY} if m in set(sys.modules) - before])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_stages_run_one_after_another(nightly: ModuleType) -> None:
    graph = {task.task_id: task.downstream_task_ids for task in nightly.dag.tasks}
    assert graph == {
        "load": {"recompute"},
        "recompute": {"attribute"},
        "attribute": {"check"},
        "check": {"publish"},
        "publish": set(),
    }


def test_every_task_has_owner_retries_and_time_limit(nightly: ModuleType) -> None:
    for task in nightly.dag.tasks:
        assert task.doc_md
        assert task.on_failure_callback
        assert (task.owner, task.retries, task.retry_delay) == ("lossledger", 12, timedelta(minutes=5))
        assert task.execution_timeout == timedelta(hours=3)
    assert nightly.dag.tags == {"lossledger", "nightly"}
    assert nightly.dag.max_active_runs == 1
    assert nightly.dag.catchup is False


@pytest.mark.parametrize(("text", "retries"), [("60", 60), ("7200", 1)])
def test_tries_are_as_far_apart_as_is_set(
    nightly: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str, retries: int
) -> None:
    """For an hour, and once at least."""
    monkeypatch.setenv("LOSSLEDGER_RETRY_SECONDS", text)
    assert nightly.tries() == {"retries": retries, "retry_delay": timedelta(seconds=int(text))}


@pytest.mark.parametrize("text", ["0", "soon"])
def test_tries_at_no_distance(nightly: ModuleType, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LOSSLEDGER_RETRY_SECONDS", text)
    with pytest.raises(ValueError, match=f"LOSSLEDGER_RETRY_SECONDS is '{text}', and not a number"):
        nightly.tries()


def test_scheduled_run_is_for_the_date_that_just_closed(nightly: ModuleType) -> None:
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction
    from pendulum import datetime

    timetable = coerce_to_core_timetable(nightly.dag.schedule)
    run_after = datetime(2025, 10, 11, 0, 30)
    info = timetable.next_dagrun_info_v2(
        last_dagrun_info=None,
        restriction=TimeRestriction(earliest=run_after, latest=run_after, catchup=True),
    )
    assert (info.run_after, info.partition_key) == (run_after, "2025-10-10")


@pytest.mark.parametrize(
    ("given", "date"),
    [
        (context("2025-10-09"), "2025-10-09"),
        (context(None, business_date="2025-10-09"), "2025-10-09"),
        (context("2025-10-09", business_date="2025-10-09"), "2025-10-09"),
    ],
)
def test_business_date_is_the_partition_key_or_the_parameter(
    nightly: ModuleType, given: dict[str, Any], date: str
) -> None:
    assert nightly.business_date(given) == date


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (context(), "no business date"),
        (context(None, business_date="09.10.2025"), "is no date"),
        (context("2025-10-09", business_date="2025-10-10"), "partition 2025-10-09"),
    ],
)
def test_business_date_that_cannot_be_told_fails(
    nightly: ModuleType, given: dict[str, Any], message: str
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    with pytest.raises(AirflowFailException, match=message):
        nightly.business_date(given)


def test_command_of_a_stage(nightly: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSLEDGER_PYTHON", "/jobs/python")
    monkeypatch.setenv("LOSSLEDGER_LANDING", "/landing")
    monkeypatch.setenv("LOSSLEDGER_WAREHOUSE", "/warehouse")
    monkeypatch.delenv("LOSSLEDGER_POLICY", raising=False)
    asked = context("2025-10-09", warehouse="/other", policy="p.yaml", to="2025-10-10")
    assert nightly.stage_command("load", asked) == [
        "/jobs/python", "-m", "lossledger.cli.stage", "load", "--landing", "/landing", "--warehouse", "/other",
        "--business-date", "2025-10-09", "--asked-by", "scheduled__1", "--policy", "p.yaml", "--to", "2025-10-10",
    ]  # fmt: skip


def test_missing_folder_fails_with_what_to_set(nightly: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    monkeypatch.delenv("LOSSLEDGER_LANDING", raising=False)
    with pytest.raises(AirflowFailException, match="set LOSSLEDGER_LANDING"):
        nightly.stage_command("load", context("2025-10-09"))


@pytest.mark.parametrize(("code", "retried"), [(0, None), (1, False), (2, False), (3, False), (4, True)])
def test_only_a_conflict_is_tried_again(code: int, retried: bool | None) -> None:
    from airflow.sdk.exceptions import AirflowException, AirflowFailException
    from lossledger_dag import run_command

    command = [sys.executable, "-c", f"import sys; print('why', file=sys.stderr); sys.exit({code})"]
    if retried is None:
        assert run_command(command) == "why"
        return
    with pytest.raises(AirflowException, match=r"why$") as raised:
        run_command(command)
    # Airflow retries any failure but this one.
    assert isinstance(raised.value, AirflowFailException) is not retried


def test_a_stage_that_was_killed_fails_at_once_and_says_so() -> None:
    """It would mostly be killed again: by the kernel, for the memory that it takes."""
    from airflow.sdk.exceptions import AirflowFailException
    from lossledger_dag import run_command

    command = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    with pytest.raises(AirflowFailException, match=r"killed by signal 9, .*: it printed nothing$"):
        run_command(command)
