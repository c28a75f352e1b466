"""Whose turn it is: no two runs of the nightly DAG are between load and publish at once, whatever their kind."""

import random

import pytest
from lossledger_turn import BACKFILL, STAGES, Tasks, waits_for

pytestmark = pytest.mark.dags

NIGHT, OTHER, FIRST, SECOND = "scheduled__2", "manual__1", f"{BACKFILL}2025-10-09", f"{BACKFILL}2025-10-10"


def at(stage: str | None, state: str | None = "running", rest: str | None = None) -> dict[str, str | None]:
    """A run in which the stages before `stage` are done; None: it is done."""
    number = len(STAGES) if stage is None else STAGES.index(stage)
    states = [*["success"] * number, state, *[rest] * len(STAGES)]
    return dict(zip(STAGES, states, strict=False))


FAILED = at("check", "failed", "upstream_failed")


@pytest.mark.parametrize(
    ("run", "others", "why"),
    [
        (NIGHT, {}, ""),
        (NIGHT, {OTHER: at(None), FIRST: FAILED}, ""),
        (NIGHT, {FIRST: at("recompute")}, "between load and publish"),
        (NIGHT, {FIRST: at("publish", "up_for_retry")}, "between load and publish"),
        (NIGHT, {OTHER: at("recompute", None)}, "between load and publish"),
        (NIGHT, {FIRST: at(None), SECOND: at("load", None)}, "of a backfill, which goes first"),
        (FIRST, {NIGHT: at("load", "up_for_reschedule")}, ""),
        (FIRST, {NIGHT: at("check", "queued")}, "between load and publish"),
        (FIRST, {SECOND: at("load", None)}, ""),
        (SECOND, {FIRST: at("load", None)}, "of an earlier date"),
        (SECOND, {FIRST: FAILED}, ""),
    ],
)
def test_a_run_waits_for_whom_it_must(run: str, others: dict[str, Tasks], why: str) -> None:
    reason = waits_for(run, others | {run: at("load")}, running)
    assert why in reason
    assert bool(why) == bool(reason)


def running(_: str) -> str:
    return "running"


def test_dates_of_a_cancelled_backfill_are_not_waited_for() -> None:
    """Airflow calls such runs failed and leaves their tasks as they were."""
    runs = {FIRST: at(None), SECOND: at("load", None), NIGHT: at("load")}
    assert "of a backfill" in waits_for(NIGHT, runs, lambda _: "queued")
    assert waits_for(NIGHT, runs, lambda _: "failed") == ""


def test_no_two_runs_are_ever_between_load_and_publish() -> None:
    """Any order in which a scheduler may start tasks, failures included, and nobody waits for ever."""
    for seed in range(300):
        all_of_them_end(random.Random(seed))


def all_of_them_end(luck: random.Random) -> None:
    runs: dict[str, dict[str, str | None]] = {
        name: dict.fromkeys(STAGES) for name in (NIGHT, OTHER, FIRST, SECOND)
    }
    ended: list[str] = []
    while len(ended) < len(runs):
        moved = [name for name in runs if name not in ended and step(runs, name, luck)]
        assert moved, "everybody waits"
        inside = [name for name, tasks in runs.items() if is_inside(tasks)]
        assert len(inside) <= 1
        ended += [name for name, tasks in runs.items() if name not in ended and all(tasks.values())]
    assert [name for name in ended if name.startswith(BACKFILL)] == [FIRST, SECOND]


def is_inside(tasks: dict[str, str | None]) -> bool:
    return tasks["load"] == "success" and None in tasks.values()


def step(runs: dict[str, dict[str, str | None]], name: str, luck: random.Random) -> bool:
    """One task of the run is done, if it may; whether the run could move."""
    tasks = runs[name]
    if luck.random() < 0.5:
        return True  # the scheduler came to another run first
    stage = next(s for s in STAGES if tasks[s] is None)
    if stage == "load" and waits_for(name, runs, running):
        return False
    tasks[stage] = "success"
    if luck.random() < 0.1:
        tasks.update({s: "upstream_failed" for s in STAGES if tasks[s] is None} | {stage: "failed"})
    return True
