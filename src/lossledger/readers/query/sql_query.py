"""Runs one SELECT over published dates and writes its rows; without SQL, lists tables and columns."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import duckdb

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.query.column_listing import listing_lines
from lossledger.readers.query.interruption import run_interruptible
from lossledger.readers.query.query_result import FORMATS, Result, write_parquet
from lossledger.store.places import Place

_ALLOWED = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)


def query_lines(
    root: Place,
    sql: str | None,
    form: str = "table",
    as_of: str | datetime | None = None,
    scenario: str | None = None,
    out: Path | BinaryIO | None = None,
) -> Iterator[str]:
    """The result of a query as lines of a format; Parquet is written to `out` and yields no line.

    ConfigError, in one line: what is wrong with the SQL, no published date, no such warehouse, scenario, time or run.
    """
    tables = PublishedTables.open(root, as_of, scenario)
    if sql is None:
        yield from listing_lines(tables)
        return
    require_dates(tables, as_of)
    with run_query(tables, sql) as database:
        result = Result.of(database, tables.scales)
        if form == "parquet":
            write_parquet(result, out)
            return
        yield from FORMATS[form](result)


def require_dates(tables: PublishedTables, as_of: str | datetime | None = None) -> None:
    """ConfigError when no date is published, or was at `as_of`."""
    if not tables.days:
        then = f" as of {as_of}" if as_of else ""
        raise ConfigError(f"no date is published in {tables.warehouse.root}{then}: lossledger run publishes")


@contextmanager
def run_query(tables: PublishedTables, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """The database with the SQL's result. ConfigError: what is wrong with the SQL, here or while rows are fetched.

    It first registers only the tables named in the SQL, because each costs reading a log; if a name is unknown or
    none is named, it registers all tables.
    """
    words = set(re.findall(r"\w+", sql.lower()))
    named = [name for name in tables.names if name.partition(".")[2] in words] or tables.names
    for names in (named, tables.names):
        with tables.connect(names) as database, _translated_errors():
            _check(database, sql)
            try:
                run_interruptible(database, database.execute, sql)
            except duckdb.CatalogException:
                if len(names) < len(tables.names):
                    continue
                raise
            yield database
            return


def _check(database: duckdb.DuckDBPyConnection, sql: str) -> None:
    """Accepts one reading statement. The database is locked as well; this check gives the clearer message."""
    kinds = [statement.type for statement in database.extract_statements(sql)]
    if len(kinds) != 1:
        raise ConfigError(f"give one SQL statement, not {len(kinds)}")
    if kinds[0] not in _ALLOWED:
        raise ConfigError(f"published dates are read-only: {kinds[0].name} is refused, give a SELECT")


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turns DuckDB's errors into one line with its hint, and an interrupted query into KeyboardInterrupt."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise ConfigError(
            "the query needs more memory than it may take: fewer dates or columns, or a smaller sort"
        ) from error
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.Error as error:
        text = str(error).split("\n\nLINE")[0].split("\nLINE ")[0]
        raise ConfigError(f"SQL: {' '.join(text.split())}") from error
    except RuntimeError as error:
        if "interrupt" in str(error).lower():
            raise KeyboardInterrupt from error
        raise
