"""What the published rows of a date are, in hashes: of their rows, and of the files that hold them."""

import hashlib
from collections.abc import Sequence
from datetime import date

import pyarrow as pa

from schemas.core import Table
from schemas.registry import PUBLISHED
from store.commit import files_of
from store.hashes import stored_sha256
from store.places import Place
from store.published import Published
from store.warehouse import Warehouse

TABLES = tuple(PUBLISHED.values())


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


def head_differs(warehouse: Warehouse, table: Table, now: Published) -> bool:
    """Whether somebody wrote other rows of the date past what is published; the same rows in other files are none."""
    if files_of(warehouse, table, now.day) == files_of(warehouse, table, now.day, now.version_of(table)):
        return False
    found = rows_sha256(warehouse, table, now.day, None, now.columns_of(table))
    return found != now.table_sha256.get(table.full_name)
