"""DuckDB over files: exact sums and sorts of data larger than memory."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from pathlib import Path
from secrets import token_hex

import duckdb
import pyarrow.parquet as pq

from lossledger.engine.errors import DataError
from lossledger.schemas.core import Column, Table, Type
from lossledger.schemas.provenance import before, late_columns
from lossledger.store.thresholds import DUCKDB_MEMORY, THREADS_FROM_ROWS

_TYPES = {
    Type.TEXT: "varchar",
    Type.DATE: "date",
    Type.TIME: "timestamptz",
    Type.DECIMAL: "decimal(38,18)",
    Type.UNITS: "decimal(38,0)",
    Type.INTEGER: "bigint",
    Type.BOOLEAN: "boolean",
}


def connect(spill: Path, rows: int) -> duckdb.DuckDBPyConnection:
    """A connection to the process's database, which spills into a folder; times are UTC.

    `rows`: the number of rows it will read, about. Private tables must be temporary: they end with the connection.
    """
    connection = _database(os.getpid(), str(spill)).cursor()
    connection.execute("set TimeZone = 'UTC'")
    spread(connection, rows)
    return connection


@cache
def _database(_process: int, spill: str) -> duckdb.DuckDBPyConnection:
    """In memory, made once: that takes as long as a dozen small queries. A forked process must have its own."""
    database = duckdb.connect()
    limit(database, Path(spill))
    return database


def limit(database: duckdb.DuckDBPyConnection, spill: Path) -> None:
    """Limit the memory and spill beyond it. Files are not cached, because a stage that runs again replaces them.

    A database has a folder of its own below `spill`: DuckDB gives its files there the same names in every process, and
    two that share a folder write over each other's rows.
    """
    database.execute("set TimeZone = 'UTC'")
    database.execute(f"set memory_limit = '{DUCKDB_MEMORY}'")
    database.execute("set enable_external_file_cache = false")
    if spill_folder(database).parent != spill:
        spill.mkdir(parents=True, exist_ok=True)
        own = spill / f"{os.getpid()}-{token_hex(8)}"
        with suppress(duckdb.NotImplementedException):  # it has spilled: it goes on in the folder that it has
            database.execute(f"set temp_directory = '{quoted(str(own))}'")


def spill_folder(database: duckdb.DuckDBPyConnection) -> Path:
    """Where a database puts what does not fit into memory."""
    [(folder,)] = database.execute("select current_setting('temp_directory')").fetchall()
    return Path(folder)


def spread(database: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Use all cores for many rows, one for few."""
    database.execute("set threads = 1" if rows < THREADS_FROM_ROWS else "reset threads")


def quoted(text: str) -> str:
    """For between the quotes of a literal."""
    return text.replace("'", "''")


def select_files(files: Sequence[Path], table: Table, day: date | None = None) -> str:
    """A query for the rows of a table's files, with its partition column where they are of one date."""
    column = f"date '{day.isoformat()}' as {table.partition}, " if day else ""
    if not files:
        names = [c for c in table.columns if day or c.name != table.partition]
        nothing = ", ".join(f'null::{_TYPES[c.type]} as "{c.name}"' for c in names)
        return f"select {nothing} where false"
    names_of = ", ".join(f"'{quoted(str(path))}'" for path in files)
    late = "".join(f', {_before(c)} as "{c.name}"' for c in _lacking(files, table))
    return f"select {column}*{late} from read_parquet([{names_of}], hive_partitioning = false)"


def _lacking(files: Sequence[Path], table: Table) -> list[Column]:
    """The columns that the files were written before; all of them by one run, so all alike."""
    late = late_columns(table)
    names = set(pq.ParquetFile(files[0]).schema_arrow.names) if late else set()
    return [column for column in late if column.name not in names]


def _before(column: Column) -> str:
    value = before(column)
    literal = "null" if value is None else f"'{value}'"
    return f"{literal}::{_TYPES[column.type]}"


def filled_columns(table: Table) -> str:
    """The select list of a table that gives late columns their default, as `filled` does."""
    late = [column for column in late_columns(table) if not column.nullable]
    fills = ", ".join(f'coalesce("{c.name}", {_before(c)}) as "{c.name}"' for c in late)
    return f"* replace ({fills})" if fills else "*"


@contextmanager
def exact(what: str) -> Iterator[None]:
    """DataError where a sum or a product leaves the 38 digits."""
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise DataError(f"{what}: an amount needs more than the 38 digits of DECIMAL(38,18)") from error
