"""A late date is told at a time of day, whoever was to publish it, and never when it is published."""

import importlib
import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tests.builders import D9, D10
from tests.lived import small_warehouse

pytestmark = pytest.mark.dags

DATE = "2025-10-10"


@pytest.fixture(scope="module")
def late() -> ModuleType:
    return importlib.import_module("late")


@pytest.mark.parametrize(
    ("published_by", "schedule", "cron", "days"),
    [
        (None, "30 0 * * *", "30 4 * * *", -1),
        (None, "30 22 * * *", "30 2 * * *", -2),
        ("06:00", "30 0 * * *", "0 6 * * *", -1),
        ("06:00", "30 8 * * *", "0 6 * * *", -2),  # on the next day
        ("08:30", "30 8 * * *", "30 8 * * *", -2),
    ],
)
def test_a_date_is_due_at_a_time_of_day(
    late: ModuleType, published_by: str | None, schedule: str, cron: str, days: int
) -> None:
    assert late.due(published_by, schedule) == (cron, days)


@pytest.mark.parametrize(
    ("published_by", "schedule"),
    [("6", "30 0 * * *"), ("06:75", "30 0 * * *"), (None, "@daily"), (None, "0 */6 * * *")],
)
def test_a_time_that_is_none_is_refused(late: ModuleType, published_by: str | None, schedule: str) -> None:
    with pytest.raises(ValueError, match="HH:MM, and a cron of one minute and one hour"):
        late.due(published_by, schedule)


@pytest.mark.parametrize(
    ("published_by", "schedule", "watch", "night"),
    [
        ("04:30", "30 0 * * *", "2025-10-11T04:30Z", "2025-10-11T00:30Z"),
        ("06:00", "30 8 * * *", "2025-10-12T06:00Z", "2025-10-11T08:30Z"),
    ],
)
def test_the_watch_is_for_the_date_of_the_night_before_it(
    late: ModuleType, published_by: str, schedule: str, watch: str, night: str
) -> None:
    """The time stands in its own schedule: when the night was created, or that it never was, changes nothing."""
    cron, days = late.due(published_by, schedule)
    assert key(cron, days, watch) == key(schedule, -1, night) == DATE


def key(cron: str, offset: int, run_after: str) -> str | None:
    from airflow.sdk import CronPartitionTimetable
    from airflow.serialization.encoders import coerce_to_core_timetable
    from airflow.timetables.base import TimeRestriction
    from pendulum import instance

    schedule = CronPartitionTimetable(cron, timezone="UTC", run_offset=offset, key_format="%Y-%m-%d")
    at = instance(datetime.fromisoformat(run_after))
    info = coerce_to_core_timetable(schedule).next_dagrun_info_v2(
        last_dagrun_info=None, restriction=TimeRestriction(earliest=at, latest=at, catchup=True)
    )
    assert info and info.run_after == at
    return info.partition_key


@pytest.fixture
def watch(late: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Runs the task, with a script in the place of the jobs' interpreter."""

    def run(script: str, paused: bool = False, date: str = DATE, warehouse: str = "/data/w") -> None:
        python = tmp_path / "python"
        python.write_text(f"#!/bin/sh\n{script}\n")
        python.chmod(0o755)
        monkeypatch.setenv("LOSSLEDGER_PYTHON", str(python))
        context: dict[str, Any] = {
            "dag_run": SimpleNamespace(
                partition_key=date, run_id="scheduled__9", run_after=datetime(2025, 10, 11, 4, 30, tzinfo=UTC)
            ),
            "params": {"warehouse": warehouse},
            "ti": SimpleNamespace(get_dag=lambda _: SimpleNamespace(is_paused=paused)),
        }
        monkeypatch.setattr(late, "get_current_context", lambda: context)
        late.published_in_time.function()

    return run


def test_a_date_that_is_not_published_is_told(
    watch: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch(f'echo "$@" > {tmp_path}/asked; echo "count_star()"; echo 0')
    [notice] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert notice.getMessage().startswith(
        "Lossledger 2025-10-10 is not published\nit was to be published by 2025-10-11 04:30 UTC\nRun: scheduled__9\n"
    )
    assert (tmp_path / "asked").read_text() == (
        "-m lossledger.cli.main query --warehouse /data/w --format csv "
        "SELECT count(*) FROM published_days WHERE business_date = DATE '2025-10-10'\n"
    )


def test_a_date_that_another_run_has_published_is_not_told(
    watch: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    watch('echo "count_star()"; echo 1')
    assert [record for record in caplog.records if record.levelno == logging.ERROR] == []


def test_nothing_is_waited_for_while_the_night_is_paused(watch: Callable[..., None]) -> None:
    watch("exit 3", paused=True)


def test_a_warehouse_without_any_date_has_not_this_one(
    watch: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    """It may be none at all: the line of the command is told with it."""
    watch("echo no date is published in /data/w; exit 2")
    assert (
        "is not published\nit was to be published by 2025-10-11 04:30 UTC; "
        "ended with code 2: no date is published in /data/w\n" in caplog.text
    )


def test_a_passing_fault_is_no_answer(watch: Callable[..., None], caplog: pytest.LogCaptureFixture) -> None:
    """It is asked again; and if that goes on, the failure of this task is told."""
    from airflow.sdk.exceptions import AirflowException

    with pytest.raises(AirflowException, match="will be tried again"):
        watch("exit 4")
    assert "is not published" not in caplog.text


def test_the_question_is_answered_by_a_warehouse(
    watch: Callable[..., None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Of two dates, the first is published."""
    small_warehouse(D9, tmp_path / "w")
    ask = f'exec {sys.executable} "$@"'
    for date, notices in ((D9, 0), (D10, 1)):
        caplog.clear()
        watch(ask, date=str(date), warehouse=str(tmp_path / "w"))
        assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == notices
