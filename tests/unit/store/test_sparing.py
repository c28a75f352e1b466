"""Rows of a large file, a row group at a time: the same rows in the same order, and little is read ahead."""

from collections.abc import Iterator
from pathlib import Path
from time import sleep

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from lossledger.schemas.core import Column, Table, Type
from lossledger.store.delta import batches, one_ahead

ROWS = Table(
    "ledger",
    "rows",
    "row",
    "",
    (
        Column("day", Type.TEXT, "A date."),
        Column("number", Type.INTEGER, "A number."),
        Column("name", Type.TEXT, "A name."),
    ),
    ("number",),
)


@pytest.fixture
def table(tmp_path: Path) -> DeltaTable:
    """Two dates of 100 rows each, in row groups of 7."""
    for day, first in (("2025-10-10", 0), ("2025-10-11", 100)):
        rows = pa.table({"day": [day] * 100, "number": range(first, first + 100), "name": ["a", "b"] * 50})
        write_deltalake(tmp_path, rows, partition_by=["day"], mode="append")
    for path in tmp_path.rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read(), path, row_group_size=7)
    return DeltaTable(tmp_path)


@pytest.mark.parametrize("wanted", [None, pc.field("name") == "b", pc.field("number") >= 150])
def test_the_rows_are_those_that_are_read_at_once(table: DeltaTable, wanted: pc.Expression | None) -> None:
    columns = ("number", "name")
    at_once, sparing = (
        list(batches(ROWS, table, None, columns, wanted, ["name"], sparing=sparing))
        for sparing in (False, True)
    )
    assert pa.Table.from_batches(sparing) == pa.Table.from_batches(at_once)
    assert max(batch.num_rows for batch in sparing) <= 7


def test_a_busy_reader_holds_a_few_row_groups(tmp_path: Path) -> None:
    group = 1 << 14
    numbers = np.random.default_rng(1).integers(0, 1 << 62, 64 * group)
    write_deltalake(tmp_path, pa.table({"number": numbers}))
    for path in tmp_path.rglob("*.parquet"):
        pq.write_table(pq.ParquetFile(path).read(), path, row_group_size=group)
    before = pa.total_allocated_bytes()
    for place, batch in enumerate(batches(ROWS, DeltaTable(tmp_path), None, ["number"], sparing=True)):
        if place in (0, 20):
            sleep(0.3)  # the reader is busy
            assert pa.total_allocated_bytes() - before < 8 * 6 * group  # of 64
        assert batch.num_rows == group
    assert place == 63


def test_no_more_than_one_is_read_ahead() -> None:
    read = []

    def numbers() -> Iterator[int]:
        for number in range(5):
            read.append(number)
            yield number

    for number in one_ahead(numbers()):
        assert len(read) <= number + 2
    assert read == [0, 1, 2, 3, 4]
