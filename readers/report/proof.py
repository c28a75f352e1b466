"""What the published rows of a date are, in hashes: of their rows, and of the files that hold them."""

import hashlib
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa

from schemas.core import Table
from schemas.registry import PUBLISHED
from store.commit import files_of
from store.hashes import ordered, table_sha256
from store.places import Copies, Place
from store.warehouse import Warehouse

TABLES = tuple(PUBLISHED.values())


def files_sha256(files: Sequence[Place]) -> dict[str, str]:
    """File name to the hash of its bytes. OSError: one cannot be read."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def rows_sha256(warehouse: Warehouse, table: Table, day: date, version: int | None = None) -> str:
    """The hash of a table's rows of a date as publishing computes it; '' where they cannot be read at all."""
    files = files_of(warehouse, table, day, version)
    with tempfile.TemporaryDirectory() as spill, Copies() as copies:
        try:
            return table_sha256(table, ordered(table, copies.of(files), Path(spill)))
        except (OSError, pa.ArrowException):
            return ""


def head_differs(warehouse: Warehouse, table: Table, day: date, version: int, published_sha256: str) -> bool:
    """Whether somebody wrote other rows of the date past what is published; the same rows in other files are none."""
    if files_of(warehouse, table, day) == files_of(warehouse, table, day, version):
        return False
    return rows_sha256(warehouse, table, day) != published_sha256
