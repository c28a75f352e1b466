"""The published dates, and the version of every table with which each was published."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

from lossledger.schemas.core import Table
from lossledger.schemas.ops import PUBLISHED_DAYS
from lossledger.schemas.provenance import OLDEST_FORMAT, columns_in
from lossledger.store.arrow import to_rows
from lossledger.store.reference_data import text_hash
from lossledger.store.warehouse import NOT_THERE, Warehouse


@dataclass(frozen=True)
class PublishedDate:
    """A row of ops.published_days; columns by table as `hashed_columns` names them, none for a date of before."""

    day: date
    run_id: str
    published_at: int
    start: int
    end: int
    first_date: bool
    input_sha256: str
    output_sha256: str
    table_versions: Mapping[str, int]
    table_sha256: Mapping[str, str]
    table_columns: Mapping[str, str]

    def version_of(self, table: Table) -> int:
        """NOT_THERE: the table came later than the date."""
        return self.table_versions.get(table.full_name, NOT_THERE)

    def columns_of(self, table: Table) -> tuple[str, ...]:
        """The columns that the hash of the table's rows is over: those that it had when the date was published."""
        return columns_of(table, self.table_columns.get(table.full_name, ""))


def published_days(warehouse: Warehouse, version: int | None = None) -> dict[date, PublishedDate]:
    """The published dates; with a version of ops.published_days, those published then."""
    rows = to_rows(PUBLISHED_DAYS, warehouse.read(PUBLISHED_DAYS, version=version))
    found = {}
    for *row, versions, hashes, columns in sorted(rows):
        values: list[Any] = [*row, json.loads(versions), json.loads(hashes), _columns(columns)]
        found[row[0]] = PublishedDate(*values)
    return found


def output_sha256(table_sha256: Mapping[str, str]) -> str:
    """One hash for all rows of a date, from those of its tables."""
    return text_hash(*(f"{name} {digest}" for name, digest in sorted(table_sha256.items())))


@cache
def _columns(text: str) -> Mapping[str, str]:
    """Read once for all dates that have the same."""
    found: Mapping[str, str] = json.loads(text) if text else {}
    return found


def hashed_columns(table: Table) -> str:
    """The columns that a hash of the table's rows covers today, as stored with the hash."""
    return ",".join(column.name for column in table.columns if column.name != table.partition)


def columns_of(table: Table, noted: str) -> tuple[str, ...]:
    """The columns that a hash covers, by the note stored with it; without a note, those of the oldest format."""
    if noted:
        return tuple(noted.split(","))
    return tuple(name for name in columns_in(table, OLDEST_FORMAT) if name != table.partition)
