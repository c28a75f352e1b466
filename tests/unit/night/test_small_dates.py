"""What a small date does not pay for: tables opened again, tasks that would run one after the other, histories."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.trades import _RANGES
from lossledger.jobs.spark.mapper import InProcess, OnSpark
from lossledger.schemas.ops import RUNS
from lossledger.store.staging import Staging
from lossledger.store.table_cache import at_version
from lossledger.store.thresholds import POOL_FROM_WORK
from lossledger.store.warehouse import Warehouse


@pytest.mark.parametrize(
    ("mapper", "work", "tasks"),
    [
        (InProcess(None, 2), POOL_FROM_WORK - 1, 1),
        (InProcess(7), 1, 7),
        (InProcess(7), POOL_FROM_WORK, 7),
        (OnSpark(), POOL_FROM_WORK - 1, 1),  # and no session is started for it
        (OnSpark(5), 1, 5),
    ],
)
def test_little_work_is_one_task_unless_it_was_asked_for_more(
    mapper: InProcess | OnSpark, work: int, tasks: int
) -> None:
    assert mapper.cut(work) == tasks


def test_a_table_is_opened_once_at_a_version(tmp_path: Path) -> None:
    with Warehouse.made(tmp_path) as warehouse:
        path, first = str(warehouse.path(RUNS)), warehouse.version(RUNS)
        assert at_version(path, first) is warehouse.delta(RUNS)
        warehouse.replace_all(RUNS, warehouse.read(RUNS))
        old = at_version(path, first)
        assert (old.version(), warehouse.version(RUNS)) == (first, first + 1)
        assert at_version(path, first) is old
        assert at_version(path, first + 1) is warehouse.delta(RUNS)


def test_another_warehouse_at_the_same_place_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    def make(rows: int) -> int:
        with Warehouse.made(tmp_path / "warehouse") as warehouse:
            version = warehouse.version(RUNS)
        found = at_version(str(tmp_path / "warehouse" / "ops" / "runs"), version)
        assert found.version() == version
        return len(found.file_uris()) + rows

    assert make(0) == 0
    (tmp_path / "warehouse").rename(tmp_path / "before")
    assert make(0) == 0


@pytest.mark.parametrize(
    ("ids", "ranges"),
    [
        ([], []),
        (["7"], [("7", "7")]),
        (["998", "999", "1000", "1001", "1001"], [("1000", "1001"), ("998", "999")]),
        (["a1", "b22", "c3"], [("a1", "c3"), ("b22", "b22")]),
    ],
)
def test_trades_are_asked_for_by_ranges_of_ids_of_one_length(
    tmp_path: Path, ids: list[str], ranges: list[tuple[str, str]]
) -> None:
    with Books(Staging(tmp_path, date(2025, 10, 10)), {}, 0) as books:
        books.add("trades", pa.table({"trade_id": pa.array(ids, pa.string())}))
        assert books.rows(_RANGES.format(trades="trades")) == ranges
