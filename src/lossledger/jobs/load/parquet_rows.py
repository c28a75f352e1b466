"""Rows of a Parquet file, a small batch at a time: memory holds a batch and a page of each column."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lossledger.engine.intake.parsing import MAX_FIELD, Moment
from lossledger.jobs.load.delivered_rows import DeliveredRow, FileColumns, row_text
from lossledger.jobs.load.parquet_columns import AS_PLAIN, check_columns, is_text, plain_columns, text_columns

_ROWS = 1024  # of a batch
_BUFFER = 1 << 18  # bytes that are read ahead, per column
_EPOCH = date(1970, 1, 1).toordinal()
_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


class Unreadable:
    """A value that has no plain form here; no field takes it."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def parquet_rows(file: BinaryIO, columns: FileColumns) -> Iterator[DeliveredRow]:
    """Rows in order; unknown columns that are nested are left out. UnfitColumn, ValueError, OSError, MemoryError."""
    try:
        yield from _rows(file, columns)
    except pa.ArrowException as error:
        if isinstance(error, (ValueError, MemoryError)):
            raise
        raise ValueError(str(error)) from error


def _rows(file: BinaryIO, columns: FileColumns) -> Iterator[DeliveredRow]:
    whole = pq.ParquetFile(file)
    schema = whole.schema_arrow
    columns.set_header(schema.names)
    columns.in_rows = False  # batches are read at once: no row is known to be the damaged one
    check_columns(columns.dataset, whole)
    names = plain_columns(schema)
    texts = [name for name in text_columns(schema) if name in names]
    content = pq.ParquetFile(file, read_dictionary=texts, buffer_size=_BUFFER, **AS_PLAIN)
    for batch in content.iter_batches(_ROWS, columns=names, use_threads=False):
        yield from batch_rows(batch, names)


def batch_rows(batch: pa.RecordBatch, plain: Sequence[str]) -> Iterator[DeliveredRow]:
    """The rows of a batch."""
    by_name = [_values(batch.column(name)) for name in plain]
    for values in zip(*by_name, strict=True):
        row = dict(zip(plain, values, strict=True))
        yield DeliveredRow(row, row_text(row))


def _values(array: Any) -> list[Any]:
    """As Python values. Times are moments, dates are dates where they can be."""
    kind = array.type
    if kind == pa.json_():
        return _values(array.storage)
    if pa.types.is_run_end_encoded(kind):
        return _values(pc.run_end_decode(array))
    if pa.types.is_dictionary(kind):
        used = array.indices.unique().drop_null()
        value_of = dict(zip(used.to_pylist(), _values(array.dictionary.take(used)), strict=True))
        return [value_of.get(index) for index in array.indices.to_pylist()]
    if is_text(kind) or pa.types.is_fixed_size_binary(kind):
        return [None if data is None else _text(data) for data in _beginnings(array.cast(pa.large_binary()))]
    if pa.types.is_timestamp(kind):
        return [None if n is None else _micros(n, kind.unit) for n in array.cast(pa.int64()).to_pylist()]
    if pa.types.is_date32(kind):
        return [None if n is None else _date(n) for n in array.cast(pa.int32()).to_pylist()]
    if pa.types.is_date64(kind):
        days = array.cast(pa.int64()).to_pylist()
        return [None if n is None else _date(n // 86_400_000) for n in days]
    numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if numeric or pa.types.is_boolean(kind) or pa.types.is_null(kind):
        return list(array.to_pylist())
    other = Unreadable(f"a value of the type {kind}")
    return [None if null else other for null in array.is_null().to_pylist()]


def _beginnings(binary: Any) -> Iterator[bytes | None]:
    """The bytes of each text, of a very long one only as many as show that it is."""
    most = 4 * (MAX_FIELD + 1)
    if (pc.max(pc.binary_length(binary)).as_py() or 0) <= most:
        yield from binary.to_pylist()
        return
    for item in binary:
        yield item.as_buffer()[:most].to_pybytes() if item.is_valid else None


def _text(data: bytes) -> str | Unreadable:
    try:
        return data.decode()
    except UnicodeDecodeError:
        text = data.decode(errors="ignore")
        return text if len(text) > MAX_FIELD else Unreadable(f"{data[:100]!r}, which is not UTF-8,")


def _micros(number: int, unit: str) -> Moment | Unreadable:
    micros, rest = divmod(number * 10**6, _PER_SECOND[unit])
    return Unreadable(f"{number} ns, finer than a microsecond,") if rest else Moment(micros)


def _date(days: int) -> date | Unreadable:
    try:
        return date.fromordinal(_EPOCH + days)
    except (ValueError, OverflowError):
        return Unreadable(f"the day {days} after 1970-01-01")
