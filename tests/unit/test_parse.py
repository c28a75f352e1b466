"""Files shared out among tasks: tasks follow the cores, not the files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from jobs.load.landing import LandedFile
from jobs.load.parse import parse_files, shared_out
from jobs.run import Request, run
from jobs.spark.mapper import InProcess
from tests.builders import D9, deliver, small_landing
from tests.unchecked import unchecked

T = TypeVar("T")
R = TypeVar("R")
MIB = 1 << 20


def files(*sizes: int) -> list[LandedFile]:
    return [LandedFile(f"fills/{n:04d}.csv", "fills", D9, "", size) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "groups", "expected"),
    [
        ([], 4, []),
        ([5], 4, [[0]]),
        ([5, 5], 1, [[0, 1]]),
        ([9 * MIB, MIB, MIB, MIB], 2, [[0], [1, 2, 3]]),
        ([MIB, MIB, 9 * MIB, 9 * MIB], 2, [[0, 2], [1, 3]]),
    ],
    ids=["none", "one", "one group", "a large one stands alone", "two large ones"],
)
def test_shares_of_about_equal_weight(sizes: list[int], groups: int, expected: list[list[int]]) -> None:
    shares = shared_out(files(*sizes), groups)
    assert [sorted(int(f.path[6:10]) for f in share) for share in shares] == expected


def test_many_small_files_are_shared_evenly() -> None:
    """By their number too: an empty file is not for nothing."""
    shares = shared_out(files(*[0] * 2000), 8)
    assert [len(share) for share in shares] == [250] * 8
    assert {file for share in shares for file in share} == set(files(*[0] * 2000))


class Counting(InProcess):
    """Notes how many tasks read files."""

    def __init__(self) -> None:
        super().__init__(3)
        self.tasks: list[int] = []

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
        if function is parse_files:
            self.tasks.append(len(tasks))
        return super().map(function, tasks)


def test_a_delivery_of_many_files_is_a_task_per_core(tmp_path: Path) -> None:
    landing, mapper = small_landing(tmp_path / "landing"), Counting()
    for n in range(50):
        deliver(landing, "ticks", tick(n), D9, f"{n:02d}.csv")
    list(run(Request(landing, tmp_path / "warehouse", D9, D9, mapper, check=unchecked)))
    assert mapper.tasks == [3]


def tick(minute: int) -> str:
    return f"""
        ts                        | instrument_id | mark_price
        {D9}T11:{minute:02d}:00Z | P             | 1000
    """
