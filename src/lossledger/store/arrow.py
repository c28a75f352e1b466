"""Rows to Arrow and back, after the declarations in schemas/. Decimals travel as integers, never as floats."""

import struct
from array import array
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from lossledger.engine.errors import DataError
from lossledger.schemas.core import Column, Table, Type
from lossledger.schemas.provenance import before, comment, late_columns
from lossledger.store.amount_arrays import sign_extended

_LIMIT = 10**38
_TYPES = {
    Type.TEXT: pa.string(),
    Type.DATE: pa.date32(),
    Type.TIME: pa.timestamp("us", tz="UTC"),
    Type.DECIMAL: pa.decimal128(38, 18),
    Type.UNITS: pa.decimal128(38, 0),
    Type.INTEGER: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
}
R = TypeVar("R")


@cache
def arrow_schema(table: Table) -> pa.Schema:
    """The Arrow schema of a table; a column's text in the dictionary is its comment."""
    return pa.schema([_arrow_field(table, column) for column in table.columns])


@cache
def bare_schema(table: Table) -> pa.Schema:
    """`arrow_schema` without comments."""
    return pa.schema([field.remove_metadata() for field in arrow_schema(table)])


def _arrow_field(table: Table, column: Column) -> pa.Field:
    nullable = column.nullable or column in late_columns(table)
    return pa.field(column.name, _TYPES[column.type], nullable, {"comment": comment(table, column)})


def filled(table: Table, data: pa.Table) -> pa.Table:
    """Rows, or some of their columns, with a value where they were written before there was the column."""
    for column in late_columns(table):
        at = data.schema.get_field_index(column.name)
        if at >= 0 and not column.nullable and data.column(at).null_count:
            values = data.column(at).fill_null(pa.scalar(before(column), _TYPES[column.type]))
            data = data.set_column(at, data.schema.field(at), values)
    return data


def completed(table: Table, data: pa.Table) -> pa.Table:
    """The rows of a data file with the columns that it was written without."""
    for column in late_columns(table):
        if column.name not in data.column_names:
            nothing = pa.nulls(data.num_rows, _TYPES[column.type])
            data = data.append_column(arrow_schema(table).field(column.name), nothing)
    return filled(table, data)


def to_arrow(table: Table, rows: Sequence[Mapping[str, Any]], **constants: Any) -> pa.Table:
    """Rows (decimals as integers of 10^-18, units as integers) sorted by the table's key."""
    full = [{**row, **constants} for row in rows]
    full.sort(key=lambda row: tuple((row[k] is not None, row[k]) for k in table.key))
    by_name = {column.name: [row[column.name] for row in full] for column in table.columns}
    return _table(table, by_name)


def _table(table: Table, by_name: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns as they are declared. DataError, that names the row, for an amount that does not fit."""
    try:
        columns = [_array(column, by_name[column.name]) for column in table.columns]
    except _TooLarge as error:
        names = ((key, by_name[key][error.row]) for key in _naming(table))
        row = ", ".join(f"{key} {value}" for key, value in names if value not in (None, ""))
        raise DataError(
            f"{table.full_name}: {error.column} of {row} needs more than the 38 digits of DECIMAL(38,18): "
            "look for an amount, price or quantity out of all proportion"
        ) from None
    return pa.Table.from_arrays(columns, schema=arrow_schema(table))


def _naming(table: Table) -> list[str]:
    """The columns that identify a row for a person: its account and its key."""
    names = [c.name for c in table.columns if c.type not in (Type.DECIMAL, Type.UNITS)]
    wanted = dict.fromkeys((*(["account_id"] if "account_id" in names else []), *table.key))
    return [name for name in wanted if name in names]


class _TooLarge(Exception):
    def __init__(self, column: str, row: int) -> None:
        self.column, self.row = column, row


def tuples_to_arrow(
    table: Table, names: Sequence[str], rows: Sequence[Sequence[Any]], **constants: Any
) -> pa.Table:
    """Like `to_arrow` for tuples with the given field names, in the order given."""
    by_name = dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
    full: dict[str, Sequence[Any]] = {}
    for column in table.columns:
        if column.name in constants:
            full[column.name] = [constants[column.name]] * len(rows)
        else:
            full[column.name] = by_name.get(_field_name(column, names), ())
    return _table(table, full)


def _field_name(column: Column, names: Sequence[str]) -> str:
    """Fields of engine rows have the suffix `_e18` for decimals."""
    exact = f"{column.name}_e18"
    return exact if exact in names else column.name


def _array(column: Column, values: Sequence[Any]) -> pa.Array:
    if column.type in (Type.DECIMAL, Type.UNITS):
        return _decimals(column, values)
    return pa.array(values, _TYPES[column.type])


def _decimals(column: Column, values: Sequence[int | None]) -> pa.Array:
    valid, whole = None, values
    if None in values:
        valid = pa.array([value is not None for value in values]).buffers()[1]
        whole = [value or 0 for value in values]
    return pa.Array.from_buffers(
        _TYPES[column.type], len(whole), [valid, pa.py_buffer(_words(column, whole))]
    )


def _words(column: Column, values: Sequence[Any]) -> bytes:
    """Integers of 16 bytes each, at once where all of them have 8."""
    try:
        return sign_extended(
            np.array(array("q", values))
        )  # an array takes integers alone: numpy would cut a float
    except OverflowError:
        pass
    for row, value in enumerate(values):
        if not -_LIMIT < value < _LIMIT:
            raise _TooLarge(column.name, row)
    return b"".join(value.to_bytes(16, "little", signed=True) for value in values)


def _integers(column: pa.ChunkedArray) -> list[int | None]:
    """Decimals as their unscaled integers."""
    result: list[int | None] = []
    for chunk in column.chunks:
        data = chunk.buffers()[1]
        raw = memoryview(data)[chunk.offset * 16 : (chunk.offset + len(chunk)) * 16]
        numbers: list[int | None] = [low + (high << 64) for low, high in struct.iter_unpack("<Qq", raw)]
        if chunk.null_count:
            for index, valid in enumerate(chunk.is_valid().to_pylist()):
                if not valid:
                    numbers[index] = None
        result += numbers
    return result


def column_values(data: pa.Table, column: Column) -> list[Any]:
    """A column as Python values: integers for decimals, units and times."""
    values = data.column(column.name)
    if column.type in (Type.DECIMAL, Type.UNITS):
        return _integers(values.cast(_TYPES[column.type]))
    if column.type is Type.TIME:
        return values.cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_pylist()
    return values.to_pylist()


def plain_rows(data: pa.Table) -> list[tuple[Any, ...]]:
    """Rows of any query, as `column_values` would have them."""
    return list(zip(*(_plain(column) for column in data.columns), strict=True))


def _plain(values: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_decimal(values.type):
        return _integers(values)
    if pa.types.is_timestamp(values.type):
        return values.cast(_TYPES[Type.TIME]).cast(pa.int64()).to_pylist()
    return values.to_pylist()


def to_rows(table: Table, data: pa.Table, columns: Iterable[str] | None = None) -> list[tuple[Any, ...]]:
    """Tuples of the named columns (all but none left out by default)."""
    names = list(columns) if columns is not None else [c.name for c in table.columns]
    return list(zip(*(column_values(data, table.column(name)) for name in names), strict=True))


def to_objects(table: Table, data: pa.Table, row_type: type[R]) -> list[R]:
    """Engine rows (NamedTuples) from their stored form."""
    named: Any = row_type
    names = [name.removesuffix("_e18") for name in named._fields]
    return [named(*values) for values in to_rows(table, data, names)]


def to_ipc(data: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


def sort_by_key(table: Table, data: pa.Table) -> pa.Table:
    """Sort by the key, so that equal rows give equal bytes whatever the number of buckets."""
    keys = [k for k in table.key if k != table.partition]
    return data.sort_by([(k, "ascending") for k in keys]) if keys and data.num_rows else data


def texts(names: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """A column of texts without nulls: their bytes, and where each begins and the last one ends."""
    _, offsets, data = names.buffers()
    if not len(names):
        return np.zeros(1, np.uint8), np.zeros(1, np.int32)
    at = np.frombuffer(offsets, dtype=np.int32)[names.offset : names.offset + len(names) + 1]
    return np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else np.zeros(
        1, np.uint8
    ), at
