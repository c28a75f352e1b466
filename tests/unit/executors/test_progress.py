"""How far a job is: rows and time left, once it takes longer than a few seconds, as its tasks end."""

import pytest

import lossledger.jobs.spark.progress
from lossledger.jobs.spark.mapper import InProcess
from lossledger.jobs.spark.progress import Progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, as a list of one, which a test may change."""
    now = [0.0]
    monkeypatch.setattr(lossledger.jobs.spark.progress, "perf_counter", lambda: now[0])
    return now


def told_at(clock: list[float], ends: dict[float, int], tasks: int = 4) -> list[str]:
    """What is told of a job of 10 million rows, of which so many tasks have ended at each time."""
    told: list[str] = []
    progress = Progress(told.append, tasks, 10_000_000, "rows")
    for clock[0], ended in ends.items():
        progress.ended(ended)
    return told


def test_rows_and_time_left_follow_from_the_tasks_that_have_ended(clock: list[float]) -> None:
    assert told_at(clock, {5: 1, 10: 2, 90: 3}) == [
        "2,500,000 of about 10,000,000 rows, 15 s left",
        "5,000,000 of about 10,000,000 rows, 10 s left",
        "7,500,000 of about 10,000,000 rows, 30 s left",
    ]


def test_a_quick_job_and_a_job_at_its_ends_say_nothing(clock: list[float]) -> None:
    assert told_at(clock, {1: 1, 2: 2}) == []
    assert told_at(clock, {5: 0, 20: 4}) == []


def test_every_mapper_tells_of_its_tasks(clock: list[float]) -> None:
    mapper, told = InProcess(4, 1), list[str]()
    mapper.tell = told.append

    def task(seconds: float) -> float:
        clock[0] += seconds
        return clock[0]

    assert mapper.map(task, [4, 4, 4], 300, "bytes") == [4, 8, 12]
    assert told == ["100 of about 300 bytes, 8 s left", "200 of about 300 bytes, 4 s left"]
