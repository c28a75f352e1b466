"""Narrower column types for the files between the two passes, which take a quarter fewer bytes.

Decimals of 8 places take 64 bits instead of 128, and texts of one length need no offsets. Each part of a delivery
chooses the types of its columns by its values.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from lossledger.jobs.load.columns.decimal128 import PLACES, from_int64, to_int64
from lossledger.store.arrow import texts

MOST_BYTES = (1 << 31) - 1  # of texts with offsets of 32 bits
_WIDE, _NARROW = pa.decimal128(38, 18), pa.decimal64(18, PLACES)


def compact(table: pa.Table) -> pa.Table:
    """Use the narrower types where the values allow it."""
    slimmer = [_slim(column) for column in table.columns]
    return pa.table(slimmer, names=table.column_names)


def expand(table: pa.Table) -> pa.Table:
    """Undo `compact`: all columns in the types of `part_layout`."""
    return pa.table([expand_column(column) for column in table.columns], names=table.column_names)


def concat(tables: Sequence[pa.Table]) -> pa.Table:
    """Concatenate parts; a column whose type differs between them is expanded."""
    first, *others = [table.schema for table in tables]
    for name in first.names:
        if any(other.field(name).type != first.field(name).type for other in others):
            tables = [_with_full(table, name) for table in tables]
    return pa.concat_tables(tables)


def _with_full(table: pa.Table, name: str) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, expand_column(table.column(name)))


def expand_column(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column in the type of `part_layout`."""
    if column.type == _NARROW:
        return pa.chunked_array([_decimals(chunk) for chunk in column.chunks], _WIDE)
    if pa.types.is_fixed_size_binary(column.type):
        return pa.chunked_array([some for chunk in column.chunks for some in _texts(chunk)], pa.string())
    return column


def _slim(column: pa.ChunkedArray) -> pa.ChunkedArray:
    if column.type == _WIDE and not column.null_count:
        return _narrowed(column)
    if pa.types.is_string(column.type) and not column.null_count:
        return _of_one_length(column)
    return column


def _narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    numbers, at = np.empty(len(column), np.int64), 0
    for chunk in filter(len, column.chunks):
        words = _numbers(chunk, np.uint64, 2).reshape(-1, 2)
        if not to_int64(words, numbers[at : at + len(chunk)]):
            return column
        at += len(chunk)
    return pa.chunked_array([pa.Array.from_buffers(_NARROW, len(numbers), [None, pa.py_buffer(numbers)])])


def _decimals(chunk: pa.Array) -> pa.Array:
    words = np.empty((len(chunk), 2), np.uint64)
    from_int64(_numbers(chunk, np.int64, 1), words)
    return pa.Array.from_buffers(_WIDE, len(chunk), [None, pa.py_buffer(words)])


def _numbers(chunk: pa.Array, kind: Any, each: int) -> np.ndarray:
    """The 64-bit words of its buffer, `each` of them a value."""
    found = np.frombuffer(chunk.buffers()[1], kind)[each * chunk.offset : each * (chunk.offset + len(chunk))]
    found.flags.writeable = False  # whatever it was, so that there is one compiled version
    return found


def _of_one_length(column: pa.ChunkedArray) -> pa.ChunkedArray:
    found, length = [], 0
    for chunk in filter(len, column.chunks):
        text, at = texts(chunk)
        length = length or int(at[1] - at[0])
        if not length or (np.diff(at) != length).any():
            return column
        data = pa.py_buffer(text[at[0] : at[-1]])
        found.append(pa.Array.from_buffers(pa.binary(length), len(chunk), [None, data]))
    return pa.chunked_array(found) if found else column


def _texts(chunk: pa.Array) -> Iterator[pa.Array]:
    """Arrays of texts with 32-bit offsets, which reach up to 2 GiB each."""
    length = chunk.type.byte_width
    most = MOST_BYTES // length
    for start in range(0, len(chunk), most):
        count = min(most, len(chunk) - start)
        offsets = np.arange(count + 1, dtype=np.int32) * np.int32(length)
        data = chunk.buffers()[1].slice((chunk.offset + start) * length)
        yield pa.Array.from_buffers(pa.string(), count, [None, pa.py_buffer(offsets), data])
