"""What a task of the replay reads: whole buckets, so many fills at once; of the day before only files of its own."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.intake.judge import Reference
from lossledger.engine.intake.policy import Policy
from lossledger.jobs.replay.group import bucket_groups
from lossledger.jobs.replay.source import BucketTask, buckets_note
from lossledger.schemas.ledger import MARKS, TYPED
from lossledger.store.amount_arrays import decimal_words, scaled_decimals
from lossledger.store.arrow import plain_rows, to_arrow
from lossledger.store.data_files import commit_files
from lossledger.store.reference_data import ReferenceData
from lossledger.store.session_inputs import PinnedTable
from lossledger.store.staging import Staging
from lossledger.store.warehouse import Warehouse

DAY = date(2025, 10, 10)


def task(buckets: Sequence[int], **sources: PinnedTable) -> BucketTask:
    reference = ReferenceData({}, {}, {}, {}, {}, Reference(), "")
    return BucketTask(list(buckets), 0, 1, [DAY.isoformat()], DAY.isoformat(), sources, reference, Policy())


class Files(PinnedTable):
    """A table whose files have these buckets, first and last, and rows."""

    def __init__(self, *of_files: tuple[int, int, int]) -> None:
        super().__init__("", 0, TYPED["fills"])
        self.of_files = of_files

    def files(self) -> list[dict[str, object]]:
        names = ("min.account_bucket", "max.account_bucket", "num_records")
        return [
            {**dict(zip(names, file, strict=True)), "partition.event_date": DAY} for file in self.of_files
        ]


@pytest.mark.parametrize(
    ("files", "groups"),
    [
        ([(0, 1, 5), (2, 3, 5), (4, 5, 5), (6, 7, 5)], [[0, 1, 2, 3], [4, 5, 6, 7]]),  # two files at once
        ([(0, 3, 50), (4, 4, 5), (5, 7, 5)], [[0, 1, 2, 3], [4, 5, 6, 7]]),  # a file is not cut
        ([(0, 7, 9), (3, 4, 50)], [[0, 1, 2, 3, 4, 5, 6, 7]]),
        ([], [[0, 1, 2, 3, 4, 5, 6, 7]]),
    ],
)
def test_groups_of_buckets_are_whole_files(
    files: list[tuple[int, int, int]], groups: list[list[int]]
) -> None:
    assert list(bucket_groups(task(range(8), fills=Files(*files)), rows_at_once=10)) == groups


def test_of_the_day_before_only_the_files_with_its_buckets_are_read(tmp_path: Path) -> None:
    staging, warehouse = Staging(tmp_path, DAY), Warehouse.create(tmp_path / "w")
    parts = []
    for first in (0, 8, 16):
        rows = to_arrow(MARKS, [{"instrument_id": f"I{first}", "mark": 1}], business_date=DAY)
        parts.append(staging.write_part(MARKS, first, rows, buckets_note(range(first, first + 8))))
    staging.commit(MARKS, parts)
    version = commit_files(warehouse, MARKS, staging.paths(MARKS), DAY)
    marks = PinnedTable(str(warehouse.path(MARKS)), version, MARKS)
    found = {
        bounds: [name for _, name, _ in plain_rows(task(range(*bounds), marks=marks).state("marks"))]
        for bounds in ((0, 8), (7, 9), (20, 21), (24, 64))
    }
    assert found == {(0, 8): ["I0"], (7, 9): ["I0", "I8"], (20, 21): ["I16"], (24, 64): []}


@given(st.lists(st.tuples(st.integers(1 - (1 << 62), (1 << 62) - 1), st.integers(1, 10**18))))
def test_numbers_times_steps_are_decimals(pairs: list[tuple[int, int]]) -> None:
    numbers, steps = (np.array([pair[k] for pair in pairs], np.int64) for k in (0, 1))
    found = scaled_decimals(numbers, steps, numbers % 3 != 0)
    expected = [(n * step if n % 3 else None,) for n, step in pairs]
    assert plain_rows(pa.table({"found": found})) == expected
    words = decimal_words(found).reshape(-1, 2).tolist()
    assert [(low % 2**64) + (high << 64) for low, high in words] == [value or 0 for (value,) in expected]
