"""Staged tables: lists of part files, written by tasks; and the hash of rows, however they are cut into files."""

import pickle
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import lossledger.store.table_hashes
from lossledger.engine.errors import DataError, InvariantError
from lossledger.jobs.replay.task import replay_buckets
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.attribution import POSITIONS_DAILY, RECEIVABLES_DAILY
from lossledger.store.amount_arrays import to_decimals
from lossledger.store.arrow import to_arrow
from lossledger.store.staging import Part, Staging
from lossledger.store.table_hashes import ordered, staged_sha256, table_sha256
from tests.cases import run_case

DAY = date(2025, 10, 10)


def positions(*accounts: str) -> pa.Table:
    """One position each; what sorts last has no mark."""
    rows = [
        {
            "account_id": account_id,
            "currency": "USD",
            "isolation": "",
            "instrument_id": "P",
            "quantity": -(10**18) * len(account_id),
            "entry_value": 10**30,
            "mark_price": None if account_id == "z" else 5,
        }
        for account_id in accounts
    ]
    return to_arrow(POSITIONS_DAILY, rows, business_date=DAY)


def staged(folder: Path, *parts: pa.Table) -> Staging:
    staging = Staging(folder, DAY)
    written = [staging.write_part(POSITIONS_DAILY, number, part) for number, part in enumerate(parts)]
    staging.commit(POSITIONS_DAILY, written)
    return staging


def test_a_table_is_its_parts(tmp_path: Path) -> None:
    staging = staged(tmp_path, positions("b", "z"), positions(), positions("a"))
    assert staging.parts(POSITIONS_DAILY) == [
        Part(0, "part-00000.parquet", 2),
        Part(2, "part-00002.parquet", 1),
    ]
    assert staging.rows(POSITIONS_DAILY) == 3
    assert staging.read(POSITIONS_DAILY).equals(positions("a", "b", "z"))


def test_what_a_dead_task_left_is_in_no_table(tmp_path: Path) -> None:
    staging = staged(tmp_path, positions("a"))
    staging.write_part(POSITIONS_DAILY, 7, positions("b"))
    assert staging.read(POSITIONS_DAILY).num_rows == 1


def test_a_table_that_no_stage_made_is_not_an_empty_one(tmp_path: Path) -> None:
    assert staged(tmp_path).read(POSITIONS_DAILY).num_rows == 0
    with pytest.raises(
        DataError, match="receivables_daily of 2025-10-10 is not there: run the stages before"
    ):
        Staging(tmp_path, DAY).parts(RECEIVABLES_DAILY)


def test_an_amount_of_39_digits_is_not_written(tmp_path: Path) -> None:
    """A sum in 128 bits is exact a little beyond what the type can hold."""
    data = pa.py_buffer((10**38).to_bytes(16, "little"))
    wide = pa.Array.from_buffers(pa.decimal128(38, 18), 1, [None, data])
    place = positions().column_names.index("entry_value")
    spoiled = positions("a").set_column(place, "entry_value", wide)
    with pytest.raises(DataError, match="an amount needs more than the 38 digits"):
        staged(tmp_path, spoiled)


def test_a_missing_value_is_no_amount_too_large(tmp_path: Path) -> None:
    spoiled = positions("a").set_column(1, "account_id", pa.array([None], pa.string()))
    with pytest.raises(InvariantError, match=r"positions_daily: .*account_id"):
        staged(tmp_path, spoiled)


def test_the_hash_is_of_the_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not of files, of their order, of where a block ends in them, or of how they are sorted."""
    names = [f"{'x' * (n % 3)}{n:04}" for n in range(100)] + ["z"]
    whole = staged_sha256(staged(tmp_path / "one", positions(*names)), POSITIONS_DAILY)
    cut = staged(tmp_path / "cut", *(positions(*names[n::7]) for n in range(7)))
    assert staged_sha256(cut, POSITIONS_DAILY) == whole
    monkeypatch.setattr(lossledger.store.table_hashes, "MEMORY_SORT_ROWS", 0)
    files = cut.paths(POSITIONS_DAILY)
    assert table_sha256(POSITIONS_DAILY, ordered(POSITIONS_DAILY, files, cut.spill)) == whole
    less = staged(tmp_path / "less", positions(*names[:-1]))
    assert staged_sha256(less, POSITIONS_DAILY) != whole


def test_the_hash_knows_null_from_zero_and_where_a_text_ends(tmp_path: Path) -> None:
    hashes = {
        staged_sha256(staged(tmp_path / str(n), data), POSITIONS_DAILY)
        for n, data in enumerate(
            [
                positions("z"),
                positions("z").set_column(7, "mark_price", to_zero()),
                positions("a", "bc"),
                positions("ab", "c"),
            ]
        )
    }
    assert len(hashes) == 4


def to_zero() -> pa.Array:
    zero = to_decimals(np.zeros(1, np.int64))
    return pa.Array.from_buffers(pa.decimal128(38, 18), 1, zero.buffers())


def test_tasks_hand_back_counts_and_names_of_files(tmp_path: Path) -> None:
    """Whatever the size of a date: what a task of the replay returns does not grow with its rows."""
    seen: list[object] = []

    class Watched(InProcess):
        def map(self, function: Any, tasks: Any, work: int, unit: str = "rows") -> Any:
            results = super().map(function, tasks, work)
            if function is replay_buckets or function.__module__.startswith("lossledger.jobs.attribute"):
                seen.extend(results)
            return results

    run_case("recorded_profit", tmp_path / "w", Watched(3))
    assert len(seen) >= 9
    assert {type(leaf) for leaf in leaves(seen)} <= {Part, int, str, NoneType}
    assert all(len(pickle.dumps(result)) < 2000 for result in seen)


def leaves(found: Any) -> Iterator[object]:
    """What is within dictionaries, lists and tuples; a part is a name and counts."""
    if isinstance(found, Part) or not isinstance(found, dict | list | tuple):
        yield found
    else:
        for one in found.values() if isinstance(found, dict) else found:
            yield from leaves(one)
