"""Files cut into pieces and shared out among tasks: tasks follow the rows, not the files."""

import pytest

from lossledger.jobs.load.columns.splits import SourceFile, pieces_of, task_pieces
from lossledger.store.thresholds import TASK_BYTES

MIB = 1 << 20


def files(*sizes: int, suffix: str = ".csv") -> list[SourceFile]:
    return [SourceFile(f"fills/{n:04d}{suffix}", "", size) for n, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("sizes", "suffix", "expected"),
    [
        ([], ".csv", []),
        ([5, 5], ".csv", [["0", "1"]]),
        ([0] * 2000, ".csv", [2000]),
        ([40 * MIB, 40 * MIB], ".csv", [["0"], ["1"]]),
        ([5, 150 * MIB, 5], ".csv", [["0"], ["1 0-64"], ["1 64-128"], ["1 128-150"], ["2"]]),
        ([5, 150 * MIB, 5], ".csv.gz", [["0"], ["1"], ["2"]]),
        ([5, 150 * MIB, 5], ".jsonl", [["0"], ["1"], ["2"]]),
    ],
    ids=[
        "none",
        "small together",
        "very many",
        "large alone",
        "one in three",
        "gzipped is one",
        "JSON is one",
    ],
)
def test_pieces_of_tasks(sizes: list[int], suffix: str, expected: list[list[str] | int]) -> None:
    tasks = list(task_pieces(pieces_of(files(*sizes, suffix=suffix))))
    shown: list[list[str] | int] = [
        len(task)
        if len(task) > 3
        else [
            f"{int(p.file.path[6:10])}" + ("" if p.is_whole else f" {p.first // MIB}-{p.last // MIB}")
            for p in task
        ]
        for task in tasks
    ]
    assert shown == expected
    assert [p.number for task in tasks for p in task] == list(range(sum(map(len, tasks))))
    assert all(len(task) == 1 or sum(p.file.weight for p in task) <= TASK_BYTES for task in tasks)
