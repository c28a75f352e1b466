"""Where tasks run: in this process while there is little to do, in others where there is much."""

import os
import sys
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from threading import Event
from time import sleep

import pytest

from lossledger.jobs.spark import memory
from lossledger.jobs.spark.mapper import InProcess
from lossledger.jobs.spark.memory import SETTINGS, kept
from lossledger.store.thresholds import POOL_FROM_WORK


def place(number: int) -> tuple[int, int]:
    return number, os.getpid()


def sleep_in_a_worker(out: str) -> None:
    """A run with workers that are told nothing more."""
    mapper = InProcess(4, 2)
    found = mapper.map(place, [1, 2], POOL_FROM_WORK)
    Path(out).write_text(" ".join(str(process) for _, process in found))
    Event().wait()


def told(name: str) -> str | None:
    return os.environ.get(name)


def test_little_work_stays_and_much_work_is_spread_in_order() -> None:
    mapper = InProcess(4, 2)
    try:
        assert mapper.map(place, [1, 2, 3], POOL_FROM_WORK - 1) == [(n, os.getpid()) for n in (1, 2, 3)]
        found = mapper.map(place, [1, 2, 3], POOL_FROM_WORK)
    finally:
        mapper.close()
    assert [number for number, _ in found] == [1, 2, 3]
    assert os.getpid() not in {process for _, process in found}


def test_a_mapper_that_was_closed_works_again() -> None:
    mapper = InProcess(4, 2)
    for _ in range(2):
        assert len(mapper.map(place, [1, 2], POOL_FROM_WORK)) == 2
        mapper.close()


def test_workers_are_told_to_keep_memory_and_nobody_else_is() -> None:
    mapper = InProcess(4, 2)
    try:
        assert mapper.map(told, list(SETTINGS), POOL_FROM_WORK) == list(SETTINGS.values())
    finally:
        mapper.close()
    assert not {*SETTINGS} & {*os.environ}


def test_what_the_environment_says_already_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIMALLOC_PURGE_DELAY", "10")
    with kept():
        assert os.environ["MIMALLOC_PURGE_DELAY"] == "10"
    assert os.environ["MIMALLOC_PURGE_DELAY"] == "10"


def test_workers_of_a_killed_run_end(tmp_path: Path) -> None:
    out = tmp_path / "processes"
    run = get_context("spawn").Process(target=sleep_in_a_worker, args=(str(out),))
    run.start()
    until(lambda: out.exists() and len(out.read_text().split()) == 2)
    run.kill()
    workers = [Path("/proc", process) for process in out.read_text().split()]
    until(lambda: not any(worker.exists() for worker in workers))


def until(true: Callable[[], bool]) -> None:
    """Wait for what comes after a while, however busy the machine is; for ten minutes at most."""
    for _ in range(12_000):
        if true():
            return
        sleep(0.05)
    raise AssertionError("it does not come")


def test_an_idle_worker_gives_its_memory_back_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks every second: during a task, just after it, and later; and ends with the run."""
    worker, given, now = memory.Worker(), list[float](), [0.0]
    looks = iter([(0.0, True), (1.0, False), (1.5, False), (2.5, False), (3.5, False)])

    def look(sentinels: list[int], timeout: float) -> list[int]:
        now[0], worker.busy = next(looks, (4.5, None))
        return sentinels if worker.busy is None else []

    monkeypatch.setattr(memory, "monotonic", lambda: now[0])
    monkeypatch.setattr(memory, "wait", look)
    monkeypatch.setattr(memory, "give_back", lambda: given.append(now[0]))
    monkeypatch.setattr(memory.os, "_exit", sys.exit)
    now[0] = 1.0
    assert worker.do(str, 1) == "1"
    with pytest.raises(SystemExit):
        worker.watch(7)
    assert given == [2.5]
