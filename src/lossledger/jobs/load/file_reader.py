"""The rows of a delivered file, in pieces (inputs.md, Limits): any format, any compression."""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from lossledger.engine.errors import DataError
from lossledger.engine.intake.judge import RawRow
from lossledger.jobs.load.delivered_rows import DeliveredRow, FileColumns, MissingColumn, UnfitColumn
from lossledger.jobs.load.hashed_streams import (
    HashedBlocks,
    HashedStream,
    Refused,
    changed,
    open_landed,
    open_regular,
)
from lossledger.jobs.load.text_rows import csv_rows, json_rows
from lossledger.jobs.terminal import printable
from lossledger.schemas.core import Dataset
from lossledger.store.places import Place

_DAMAGE = (OSError, EOFError, zlib.error, csv.Error, ValueError, MemoryError)


@dataclass
class FileRows:
    """A file's data rows in order, to be iterated once; afterwards `columns` is complete."""

    rows: Iterator[RawRow]
    columns: FileColumns

    @property
    def extra_columns(self) -> tuple[str, ...]:
        return self.columns.extra


def read_file(
    landing: Place, path: str, dataset: Dataset, sha256: str | None = None, content: Place | None = None
) -> FileRows:
    """A file's rows, from where its bytes are kept if that is given; the errors come while they are gone through.

    DataError when it is damaged, lacks a required column or has one of a type that cannot be read. ConflictError when
    the bytes that were parsed are not those of `sha256`: rows that were already handed out do not count.
    """
    columns = FileColumns(dataset)
    return FileRows(_rows(landing, path, columns, sha256, content), columns)


def _rows(
    landing: Place, path: str, columns: FileColumns, sha256: str | None, content: Place | None
) -> Iterator[RawRow]:
    number, shown = 0, printable(path)
    try:
        with open_regular(content) if content else open_landed(landing, path) as file:
            source: HashedBlocks | HashedStream
            source = HashedBlocks(file, shown) if path.endswith(".parquet") else HashedStream(file)
            try:
                for number, row in enumerate(_delivered(source, path, columns), 1):
                    yield RawRow(path, number, *row)
            except (MissingColumn, UnfitColumn, *_DAMAGE):
                _check(source, sha256, shown)  # a swapped file is not a damaged one
                raise
            _check(source, sha256, shown)
    except FileNotFoundError as error:
        raise changed(shown) from error
    except (Refused, MissingColumn, UnfitColumn) as error:
        raise DataError(f"{shown}: {error}") from error
    except PermissionError:
        raise
    except _DAMAGE as error:
        what = _what(error, columns, number)
        raise DataError(f"{shown}: damaged file, deliver it again ({what})") from error


def _check(source: HashedBlocks | HashedStream, sha256: str | None, shown: str) -> None:
    if sha256 is not None and source.sha256() != sha256:
        raise changed(shown)


def _what(error: Exception, columns: FileColumns, number: int) -> str:
    """The error and its row, or for compressed data the last row before it."""
    why = "it needs more memory than there is" if isinstance(error, MemoryError) else printable(str(error))
    if isinstance(error, (csv.Error, ValueError)) and columns.in_rows:
        return f"row {number + 1}: {why[:300]}"
    return f"after row {number}: {why[:300]}" if number else why[:300]


def _delivered(
    source: HashedBlocks | HashedStream, path: str, columns: FileColumns
) -> Iterator[DeliveredRow]:
    if isinstance(source, HashedBlocks):
        from lossledger.jobs.load.parquet_rows import parquet_rows

        return parquet_rows(cast(BinaryIO, source), columns)
    data: BinaryIO = io.BufferedReader(source, 1 << 16)
    if path.endswith(".gz"):
        data = io.BufferedReader(gzip.GzipFile(fileobj=data), 1 << 16)
    is_csv = path.removesuffix(".gz").endswith(".csv")
    text = io.TextIOWrapper(data, "utf-8-sig", "surrogateescape", newline="" if is_csv else "\n")
    return csv_rows(text, columns) if is_csv else json_rows(text, columns)
