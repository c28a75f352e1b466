"""Rejected rows of some dates: how many, and the first of them with their reasons."""

from collections.abc import Collection, Iterator
from datetime import date
from typing import Any, NamedTuple

import duckdb
import pyarrow.compute as pc

from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import QUARANTINE
from lossledger.store.delta import dataset
from lossledger.store.thresholds import DUCKDB_MEMORY
from lossledger.store.warehouse import Warehouse

SHOWN = 3  # rows that a line names
_LONGEST = 160  # characters of a row's reasons in a line
_COLUMNS = (QUARANTINE.partition, "dataset", "file", "row_number", "reasons")
_COUNTS = f"""
    select {QUARANTINE.partition}, dataset, count(*),
        min({{'file': file, 'row_number': row_number, 'reasons': reasons}}, {SHOWN})
    from rejected group by all order by all
"""


class RejectionSummary(NamedTuple):
    """The rejected rows of a dataset of a folder; `day`: the folder's date, or the first run with reference data.

    `first`: (file, row number, reasons) of a few, in order of file and row.
    """

    day: date
    dataset: str
    rows: int
    first: tuple[tuple[str, int, str], ...]

    @property
    def label(self) -> str:
        return f"{self.dataset}/date={self.day}" if DATASETS[self.dataset].dated else self.dataset

    @property
    def examples(self) -> str:
        """The first rows, each as `FILE row N: REASONS`."""
        told = [f"{file} row {number}: {_short(reasons)}" for file, number, reasons in self.first]
        if self.rows > len(told):
            told.append(f"and {self.rows - len(told):,} more")
        return " | ".join(told)


def rejected_rows(
    warehouse: Warehouse, days: Collection[date] | None, datasets: Collection[str] = ()
) -> list[RejectionSummary]:
    """Of the newest load of these dates (None: all), of these datasets (none named: all), in order."""
    there = set(warehouse.days(QUARANTINE))
    wanted = sorted(there if days is None else there & set(days))
    if not wanted:
        return []
    partitions = [(QUARANTINE.partition, "in", [day.isoformat() for day in wanted])]
    rows = dataset(QUARANTINE, warehouse.delta(QUARANTINE), partitions)
    only = pc.field("dataset").isin(list(datasets)) if datasets else None
    return count_rejected(rows.scanner(columns=list(_COLUMNS), filter=only).to_reader())


def count_rejected(rows: Any) -> list[RejectionSummary]:
    """Count rows of ledger.quarantine, which DuckDB reads some at a time: an Arrow dataset or reader of them."""
    with quarantine_database() as database:
        database.register("rejected", rows)
        return list(_found(database))


def quarantine_database() -> duckdb.DuckDBPyConnection:
    """A database of its own, for rows that are too many to hold."""
    database = duckdb.connect(config={"memory_limit": DUCKDB_MEMORY})
    database.execute("set TimeZone = 'UTC'")
    return database


def _found(database: duckdb.DuckDBPyConnection) -> Iterator[RejectionSummary]:
    for day, name, rows, first in database.execute(_COUNTS).fetchall():
        yield RejectionSummary(
            day, name, rows, tuple((f["file"], f["row_number"], f["reasons"]) for f in first)
        )


def _short(reasons: str) -> str:
    return reasons if len(reasons) <= _LONGEST else f"{reasons[:_LONGEST]}…"
