"""Several runs at once on a warehouse that is not there yet: one makes it and publishes, the others try again."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import DeltaError

from lossledger.engine.errors import LossledgerError, ending
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.store.published_dates import published_days
from lossledger.store.scenario_folders import scenario_root
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, small_landing
from tests.scenarios import write_scenario
from tests.unchecked import unchecked

RUNS = 3
PATIENCE_S = 1200  # with what would hang for ever
TIMES = [(None, 1), (None, 2), (None, 3), ("other", 1)]  # which scenario, and the how manieth time
_PROCESSES = multiprocessing.get_context("spawn")  # Arrow and Delta have threads that a fork would lose
Place = tuple[Path, Path, str | None]  # landing zone, warehouse, scenario


def _run(places: list[Place], start: Any, refused: Any, ends: Any) -> None:
    """Runs of one process as they would end; each begins when all processes are ready for it.

    The one that got in stays in until the others have ended: on a busy machine they may be late.
    """

    def check(*rest: Any) -> None:
        for _ in range(RUNS - 1):
            refused.acquire(timeout=PATIENCE_S)
        unchecked(*rest)

    for number, (landing, warehouse, scenario) in enumerate(places):
        request = Request(landing, warehouse, D9, D9, InProcess(1), None, scenario, check)
        start.wait()
        try:
            lines = list(run(request))
            ends.put((number, 0, lines[0]))
        except (LossledgerError, OSError, DeltaError, ValueError) as error:
            refused.release()
            ends.put((number, *ending(error)))


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    found: list[Place] = []
    for scenario, _ in TIMES:
        root = tmp_path_factory.mktemp("at-once")
        landing = small_landing(root / "landing")
        write_scenario(landing, "other", policy={"sharing": "none"})
        if scenario:
            Warehouse.create(root / "warehouse")
        found.append((landing, root / "warehouse", scenario))
    return found


@pytest.fixture(scope="module")
def ends(places: list[Place]) -> list[list[tuple[int, str]]]:
    """For each place how the runs on it ended. The processes are started once, for imports take the longest."""
    start, refused, told = _PROCESSES.Barrier(RUNS), _PROCESSES.Semaphore(0), _PROCESSES.Queue()
    target: Callable[..., None] = _run
    running = [_PROCESSES.Process(target=target, args=(places, start, refused, told)) for _ in range(RUNS)]
    for process in running:
        process.start()
    found = sorted(told.get(timeout=PATIENCE_S) for _ in range(RUNS * len(places)))
    for process in running:
        process.join()
    return [[(code, line) for number, code, line in found if number == n] for n in range(len(places))]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(TIMES)), ids=[f"{scenario}-{n}" for scenario, n in TIMES])
def test_exactly_one_publishes(number: int, places: list[Place], ends: list[list[tuple[int, str]]]) -> None:
    (first, said), *others = ends[number]
    assert (first, "published" in said) == (0, True), said
    assert [code for code, _ in others] == [4, 4], others
    assert all("another run is writing to" in line for _, line in others)
    _, warehouse, scenario = places[number]
    root = scenario_root(warehouse, scenario) if scenario else warehouse
    assert list(published_days(Warehouse(root))) == [D9]
