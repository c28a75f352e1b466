"""Hashes of a date's published rows and of the files that contain them."""

import hashlib
from collections.abc import Sequence
from datetime import date

import duckdb
import pyarrow as pa
from deltalake.exceptions import DeltaError

from lossledger.engine.errors import LossledgerError
from lossledger.schemas.core import Table
from lossledger.schemas.registry import PUBLISHED
from lossledger.store.data_files import files_of
from lossledger.store.places import Place, open_parquet
from lossledger.store.published_dates import PublishedDate
from lossledger.store.table_hashes import stored_sha256
from lossledger.store.warehouse import Warehouse

TABLES = tuple(PUBLISHED.values())
# Errors that the libraries raise for damaged files.
DAMAGE = (
    LossledgerError,
    OSError,
    ValueError,
    LookupError,
    TypeError,
    ArithmeticError,
    DeltaError,
    pa.ArrowException,
    duckdb.Error,
)


def files_sha256(files: Sequence[Place]) -> dict[str, str]:
    """File name to the hash of its bytes. OSError: one cannot be read."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_sha256(
    warehouse: Warehouse, table: Table, day: date, version: int | None, columns: Sequence[str]
) -> str:
    """The hash of a table's rows of a date as publishing computes it; '' where they cannot be read at all."""
    try:
        return stored_sha256(warehouse, table, day, version, columns)
    except (OSError, pa.ArrowException):
        return ""


def check_rows_hash(
    warehouse: Warehouse,
    table: Table,
    row: PublishedDate,
    version: int,
    sha256: str,
    columns: Sequence[str] | None = None,
) -> str:
    """Compares the hash of a table's rows of a date with `sha256`: '' if equal, else the problem in words.

    `columns`: the hashed columns; None: those recorded with the date.
    """
    try:
        files = files_of(warehouse, table, row.day, version)
    except DAMAGE as error:
        return f"version {version} cannot be read: {line_of(error)}"
    if damaged := [line for path in files if (line := _damage(path))]:
        return f"version {version}: {'; '.join(damaged)}"
    try:
        found = rows_sha256(warehouse, table, row.day, version, columns or row.columns_of(table))
    except DAMAGE as error:
        return f"the rows of version {version} cannot be read: {line_of(error)}"
    if found != sha256:
        return f"the rows of version {version} are not those that were published"
    return ""


def _damage(path: Place) -> str:
    """Whether a file exists and has Parquet's first and last bytes; damage in between changes the hash of its rows."""
    try:
        open_parquet(path)
    except DAMAGE as error:
        return (
            f"{path.name} is missing"
            if not path.exists()
            else f"{path.name} cannot be read: {line_of(error)}"
        )
    return ""


def line_of(error: BaseException) -> str:
    """The error's message in one line."""
    return " ".join(str(error).split())[:200]


def head_has_other_rows(warehouse: Warehouse, table: Table, now: PublishedDate) -> bool:
    """Whether the newest version has other rows of the date than are published; their files may differ."""
    if files_of(warehouse, table, now.day) == files_of(warehouse, table, now.day, now.version_of(table)):
        return False
    found = rows_sha256(warehouse, table, now.day, None, now.columns_of(table))
    return found != now.table_sha256.get(table.full_name)
