"""Commits the files that tasks wrote as a date of a table, in one transaction."""

from collections.abc import Sequence
from datetime import date

from lossledger.jobs.load.columns.pass2_sort import WrittenFile
from lossledger.schemas.core import Table
from lossledger.store.data_files import add_action
from lossledger.store.places import place
from lossledger.store.warehouse import Warehouse


def data_file(warehouse: Warehouse, table: Table, day: date, number: int) -> str:
    """The path of a file of the table's next version; no readable version refers to it yet."""
    version = warehouse.version(table) + 1
    folder = warehouse.path(table) / f"{table.partition}={day.isoformat()}"
    return str(folder / f"{version:08d}-{number:05d}.parquet")


def commit_day(warehouse: Warehouse, table: Table, day: date, files: Sequence[WrittenFile]) -> None:
    """Put the files in place of the partition of a date."""
    actions = [add_action(table, place(f.path), day, f.stats) for f in files if f.rows]
    warehouse.replace_files(table, actions, day)
