"""Databases that work out of core: each in a folder of its own."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb
import pytest

from lossledger.store import duck

# Rows that do not fit into the memory that is given here.
ROWS = "select range as number, md5(range::varchar) as text from range({}, {})"


def folder_of(spill: Path) -> Path:
    return duck.spill_folder(duck.connect(spill, 0))


def wrong_rows(spill: Path, first: int) -> int:
    """Of rows that were put into the process's database, which spills, those that come back changed."""
    connection = duck.connect(spill, 0)
    connection.execute("set memory_limit = '64MiB'")
    connection.execute(f"create temp table kept as {ROWS.format(first, first + 2_000_000)}")
    assert any(folder_of(spill).iterdir())
    [(wrong,)] = connection.execute("select count(*) from kept where text <> md5(number::varchar)").fetchall()
    return int(wrong)


def test_processes_at_once_spill_into_folders_of_their_own(tmp_path: Path) -> None:
    """In one folder they write over each other: rows come back wrong, or the process dies."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        spills, firsts = [tmp_path / "staging" / ".spill"] * 2, [0, 10_000_000]
        assert list(pool.map(wrong_rows, spills, firsts)) == [0, 0]


def test_databases_of_a_process_have_folders_of_their_own(tmp_path: Path) -> None:
    """That of the night's tables, that of the checks, and one for each warehouse."""
    with duckdb.connect() as checks:
        duck.limit(checks, tmp_path)
        folders = [duck.spill_folder(checks), folder_of(tmp_path), folder_of(tmp_path / "other")]
    assert len(set(folders)) == 3
    assert [folder.parent for folder in folders] == [tmp_path, tmp_path, tmp_path / "other"]
    assert folder_of(tmp_path) == folders[1]


@pytest.mark.parametrize("spilled", [False, True])
def test_a_database_may_be_limited_again(spilled: bool, tmp_path: Path) -> None:
    """Checks are, for every date; once it has spilled, DuckDB lets nobody change the folder."""
    with duckdb.connect() as checks:
        duck.limit(checks, tmp_path / "first")
        first = duck.spill_folder(checks)
        if spilled:
            checks.execute("set memory_limit = '64MiB'")
            checks.execute(f"create temp table kept as {ROWS.format(0, 2_000_000)}")
        duck.limit(checks, tmp_path / "first")
        assert duck.spill_folder(checks) == first
        duck.limit(checks, tmp_path / "second")
        assert (duck.spill_folder(checks) == first) == spilled
