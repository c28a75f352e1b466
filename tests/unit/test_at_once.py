"""Several runs at once on a warehouse that is not there yet: one makes it and publishes, the others try again."""

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deltalake.exceptions import DeltaError

from engine.errors import LossledgerError, ending
from jobs.run import Request, run
from jobs.spark.mapper import InProcess
from store.published import published_days
from store.scenarios import scenario_root
from store.warehouse import Warehouse
from tests.builders import D9, small_landing
from tests.scenarios import write_scenario
from tests.unchecked import unchecked

RUNS = 3
_PROCESSES = multiprocessing.get_context("spawn")  # Arrow and Delta have threads that a fork would lose


def _run(landing: Path, warehouse: Path, scenario: str | None, start: Any, ends: Any) -> None:
    """One run as its process would end; the imports are made before all start together."""
    request = Request(landing, warehouse, D9, D9, InProcess(1), None, scenario, unchecked)
    start.wait()
    try:
        lines = list(run(request))
        ends.put((0, lines[0]))
    except (LossledgerError, OSError, DeltaError, ValueError) as error:
        ends.put(tuple(ending(error)))


def ends_of(landing: Path, warehouse: Path, scenario: str | None = None) -> list[tuple[int, str]]:
    start, ends = _PROCESSES.Barrier(RUNS), _PROCESSES.Queue()
    target: Callable[..., None] = _run
    running = [
        _PROCESSES.Process(target=target, args=(landing, warehouse, scenario, start, ends))
        for _ in range(RUNS)
    ]
    for process in running:
        process.start()
    found = sorted(ends.get(timeout=120) for _ in running)
    for process in running:
        process.join()
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "time"), [(None, 1), (None, 2), (None, 3), ("other", 1)])
def test_exactly_one_publishes(scenario: str | None, time: int, tmp_path: Path) -> None:
    landing, warehouse = small_landing(tmp_path / "landing"), tmp_path / "warehouse"
    write_scenario(landing, "other", policy={"sharing": "none"})
    if scenario:
        Warehouse.create(warehouse)
    (first, said), *others = ends_of(landing, warehouse, scenario)
    assert (first, "published" in said) == (0, True), said
    assert [code for code, _ in others] == [4, 4], others
    assert all("another run is writing to" in line for _, line in others)
    root = scenario_root(warehouse, scenario) if scenario else warehouse
    assert list(published_days(Warehouse(root))) == [D9]
