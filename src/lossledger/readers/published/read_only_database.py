"""A DuckDB database over Arrow datasets that reads them and nothing else."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from lossledger.schemas.core import Table
from lossledger.schemas.registry import TABLES
from lossledger.store.duck import filled_columns
from lossledger.store.published_dates import PublishedDate
from lossledger.store.thresholds import DUCKDB_MEMORY

SCHEMAS = ("attribution", "ledger", "ops", "raw")
_LOCKS = {
    "memory_limit": DUCKDB_MEMORY,
    "temp_directory": "",  # what does not fit into memory fails; a query writes no file
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "python_enable_replacements": "false",  # else a name in SQL would find variables of the program
    "enable_external_access": "false",
    "lock_configuration": "true",  # the last: nothing can be set after it
}


def locked_database(
    tables: Mapping[str, Any], bounded: Collection[str], days: Sequence[PublishedDate]
) -> duckdb.DuckDBPyConnection:
    """A view for each dataset, as `schema.table` and as `table`; files, network and settings are then disabled.

    `bounded`: tables whose files hold events of other sessions as well, which their view leaves out.
    """
    database = duckdb.connect()
    database.execute("set TimeZone = 'UTC'")
    for schema in SCHEMAS:
        database.execute(f"create schema {schema}")
    if bounded:
        _make_sessions(database, days)
    for name, dataset in tables.items():
        hidden = "_" + name.replace(".", "_")
        database.register(hidden, dataset)
        database.execute(f"create view {name} as {_select(hidden, TABLES[name], name in bounded)}")
    database.execute(f"set search_path = '{','.join((*SCHEMAS, 'main'))}'")
    for setting, value in _LOCKS.items():
        database.execute(f"set {setting} = '{value}'")
    return database


def _make_sessions(database: duckdb.DuckDBPyConnection, days: Sequence[PublishedDate]) -> None:
    columns = {
        "business_date": pa.array([row.day for row in days], pa.date32()),
        "since": pa.array(
            [None if row.first_date else row.start for row in days], pa.timestamp("us", tz="UTC")
        ),
        "until": pa.array([row.end for row in days], pa.timestamp("us", tz="UTC")),
    }
    database.register("_sessions", pa.table(columns))


def _select(hidden: str, table: Table, bounded: bool) -> str:
    columns = filled_columns(table)
    if not bounded:
        return f'select {columns} from "{hidden}"'
    return (
        f'select events.* from (select {columns} from "{hidden}") events join _sessions using (business_date) '
        "where ts < until and (since is null or ts >= since)"
    )
