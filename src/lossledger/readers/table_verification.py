"""Verifies that the tables of a warehouse are the published ones: every date and table, by the hash of its rows.

The hash of a date, which reports and the date after it go by, is compared with the hashes of its tables.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from lossledger.engine.errors import DataError
from lossledger.readers.published.pins import open_warehouse
from lossledger.readers.report.row_proof import DAMAGE, check_rows_hash, head_has_other_rows, line_of
from lossledger.schemas.core import Table
from lossledger.schemas.registry import CARRIED, PUBLISHED
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, output_sha256, published_days
from lossledger.store.warehouse import Warehouse

TABLES = (*PUBLISHED.values(), *CARRIED.values())


def verify_lines(root: Place) -> Iterator[str]:
    """One line for each table of a date that differs from what was published; rows are hashed in pieces.

    ConfigError: there is no warehouse. DataError at the end if there are findings.
    """
    warehouse = open_warehouse(root)
    try:
        days = published_days(warehouse)
    except DAMAGE as error:
        raise DataError(f"ops.published_days of {root} cannot be read: {line_of(error)}") from error
    tasks = [(table, row) for table in TABLES for row in days.values() if table.full_name in row.table_sha256]
    wrong = [row.day for row in days.values() if output_sha256(row.table_sha256) != row.output_sha256]
    yield from (
        f"{day} ops.published_days: output_sha256 is not the hash of the date's table_sha256" for day in wrong
    )
    found = len(wrong)
    # Reading, decompressing and hashing leave Python to other threads.
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for lines in pool.map(partial(_findings, warehouse), tasks):
            yield from lines
            found += len(lines)
    if found:
        raise DataError(
            f"{root}: {found:,} finding{'' if found == 1 else 's'}, above: bring the files back from a copy, or run "
            "all dates into a new warehouse"
        )
    yield f"{len(days):,} date{'' if len(days) == 1 else 's'}, {len(tasks):,} tables: all rows are those published"


def _findings(warehouse: Warehouse, task: tuple[Table, PublishedDate]) -> list[str]:
    table, row = task
    name, where = table.full_name, f"{row.day} {table.full_name}"
    if wrong := check_rows_hash(warehouse, table, row, row.version_of(table), row.table_sha256[name]):
        return [f"{where}: {wrong}"]
    try:
        if head_has_other_rows(warehouse, table, row):
            head = warehouse.version(table)
            return [
                f"{where}: the newest version, {head}, has other rows than are published, which readers of the "
                "published versions do not see"
            ]
    except DAMAGE as error:
        return [f"{where}: the newest version cannot be read: {line_of(error)}"]
    return []
