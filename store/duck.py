"""DuckDB over files: exact sums and sorts of what does not fit into memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb

from engine.errors import DataError
from schemas.core import Table, Type

MEMORY = "1GiB"  # of a connection: beyond it, it works on disk
_TYPES = {
    Type.TEXT: "varchar",
    Type.DATE: "date",
    Type.TIME: "timestamptz",
    Type.DECIMAL: "decimal(38,18)",
    Type.UNITS: "decimal(38,0)",
    Type.INTEGER: "bigint",
    Type.BOOLEAN: "boolean",
}


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills into a folder; times are UTC."""
    connection = duckdb.connect()
    limit(connection, spill)
    return connection


def limit(connection: duckdb.DuckDBPyConnection, spill: Path) -> None:
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(f"set memory_limit = '{MEMORY}'")
    connection.execute(f"set temp_directory = '{quoted(str(spill))}'")


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
    return f"select {column}* from read_parquet([{names_of}], hive_partitioning = false)"


@contextmanager
def exact(what: str) -> Iterator[None]:
    """DataError where a sum or a product leaves the 38 digits."""
    try:
        yield
    except (duckdb.OutOfRangeException, duckdb.ConversionException) as error:
        raise DataError(f"{what}: an amount needs more than the 38 digits of DECIMAL(38,18)") from error
