"""Published dates for a program: open a warehouse, or ask it one question."""

import os
from datetime import datetime

import pyarrow as pa

from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.query.sql_query import require_dates, run_query
from lossledger.store.places import place


def open_warehouse(
    warehouse: str | os.PathLike[str], as_of: str | datetime | None = None, scenario: str | None = None
) -> PublishedTables:
    """The published dates of a warehouse, read-only.

    `warehouse`: a folder or s3://BUCKET/PREFIX. `as_of`: a time (UTC where it names no zone) or the id of a run: what
    was published then. ConfigError: no such warehouse, scenario, time or run.
    """
    return PublishedTables.open(place(os.fspath(warehouse)), as_of, scenario)


def query(
    warehouse: str | os.PathLike[str],
    sql: str,
    as_of: str | datetime | None = None,
    scenario: str | None = None,
) -> pa.Table:
    """The rows of one SELECT over published dates as an Arrow table; amounts are DECIMAL(38,18), times UTC.

    ConfigError, in one line: what is wrong with the SQL, no published date, or as `open_warehouse`.
    """
    tables = open_warehouse(warehouse, as_of, scenario)
    require_dates(tables, as_of)
    with run_query(tables, sql) as database:
        return database.to_arrow_table()
