"""The columns of accepted rows in the files between the two passes."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from lossledger.engine.clock import day_start_us
from lossledger.jobs.load.columns.hash64 import hash_numbers, hash_text
from lossledger.jobs.load.columns.validation_context import ValidationContext
from lossledger.schemas.core import Dataset, Field, Type
from lossledger.schemas.ledger import BUCKETS

TIME_BITS = 37  # microseconds of a day
TIME_MASK = (1 << TIME_BITS) - 1
ROW_BITS = 40  # rows of a piece
ROW_MASK = (1 << ROW_BITS) - 1
NO_ISOLATION = -1
_KINDS = {
    "account_id": "account",
    "currency": "currency",
    "instrument_id": "instrument",
    "isolation": "instrument",
}
_DECIMAL = pa.decimal128(38, 18)


def kind_of(field: Field) -> str | None:
    """Account, instrument or currency, for a field whose values have numbers; else None."""
    return _KINDS.get(field.name) if field.type is Type.TEXT else None


def id_field(dataset: Dataset) -> str | None:
    """The field whose text is the key and orders rows of one time; None for keys of several fields."""
    return dataset.key[0] if len(dataset.key) == 1 else None


def group_field(dataset: Dataset) -> str:
    """The field by whose number rows are partitioned and sorted."""
    names = {f.name for f in dataset.fields}
    return next(name for name in ("account_id", "instrument_id", "currency") if name in names)


def part_field_type(field: Field) -> pa.DataType:
    if kind_of(field):
        return pa.int32()
    if field.values:
        return pa.int8()
    return {Type.TEXT: pa.string(), Type.DECIMAL: _DECIMAL, Type.BOOLEAN: pa.bool_()}[field.type]


def stored_fields(dataset: Dataset) -> list[Field]:
    """The fields with a column of their own; the sort key contains the time and the group's number."""
    return [f for f in dataset.fields if f.name not in ("ts", group_field(dataset))]


def part_schema(dataset: Dataset) -> pa.Schema:
    """`place`: piece and row; `sort_key`: number and time of the day; `key_hash`: of the dataset's key."""
    fixed = [("place", pa.int64()), ("sort_key", pa.int64()), ("key_hash", pa.uint64())]
    return pa.schema([*fixed, *((f.name, part_field_type(f)) for f in stored_fields(dataset))])


def bucket_of(dataset: Dataset, context: ValidationContext, sort_key: np.ndarray) -> np.ndarray:
    """The bucket of each row."""
    number = sort_key >> TIME_BITS
    group = group_field(dataset)
    if group == "account_id":
        return context.account_bucket[number]
    return (
        (number % BUCKETS).astype(np.int16) if group == "instrument_id" else np.zeros(len(number), np.int16)
    )


def rows_batch(
    dataset: Dataset,
    context: ValidationContext,
    day: date,
    places: Sequence[int],
    rows: Sequence[Sequence[Any]],
) -> pa.RecordBatch:
    """Rows that the reference judge has accepted, as columns."""
    columns = {f.name: [row[i] for row in rows] for i, f in enumerate(dataset.fields)}
    number = {
        f.name: [
            NO_ISOLATION if name == "" else context.numbers.number[kind][name] for name in columns[f.name]
        ]
        for f in dataset.fields
        if (kind := kind_of(f))
    }
    times = np.array(columns["ts"], dtype=np.int64) - day_start_us(day)
    group = np.array(number[group_field(dataset)], dtype=np.int64)
    name = id_field(dataset)
    if name:
        hashes = np.array([hash_text(text) for text in columns[name]], dtype=np.uint64)
    else:
        parts = (times if n == "ts" else np.array(number[n], dtype=np.int64) for n in dataset.key)
        hashes = hash_numbers(parts)
    arrays = [
        pa.array(np.array(places, dtype=np.int64)),
        pa.array(group << TIME_BITS | times),
        pa.array(hashes),
    ]
    for f in stored_fields(dataset):
        values = number.get(f.name, columns[f.name])
        arrays.append(_cut_array(f, values))
    return pa.RecordBatch.from_arrays(arrays, schema=part_schema(dataset))


def _cut_array(field: Field, values: Sequence[Any]) -> pa.Array:
    if field.values:
        return pa.array([field.values.index(v) for v in values], pa.int8())
    if field.type is Type.DECIMAL:
        data = b"".join((v or 0).to_bytes(16, "little", signed=True) for v in values)
        valid = None
        if None in values:
            valid = pa.array([v is not None for v in values]).buffers()[1]
        return pa.Array.from_buffers(_DECIMAL, len(values), [valid, pa.py_buffer(data)])
    return pa.array(values, part_field_type(field))
