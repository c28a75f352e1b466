"""The columns of a Parquet file: which are read, and which cannot be what their field is.

Writers encode the same values in many ways, and a file's own Arrow schema, where it has one, says how they had them
in memory: text as string, view, dictionary or bytes, decimals of any width. All of them are plain here.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lossledger.engine.intake.parsing import MAX_FIELD
from lossledger.jobs.load.delivered_rows import UnfitColumn
from lossledger.schemas.core import Dataset, Field, Type

AS_PLAIN: Any = {"pre_buffer": False, "arrow_extensions_enabled": False}  # how it is opened: JSON is text
_KINDS = pa.types
_NUMBERS = (_KINDS.is_integer, _KINDS.is_decimal)
_FITS = {
    Type.TEXT: ("text", (_KINDS.is_integer,)),
    Type.DECIMAL: ("a decimal", _NUMBERS),
    Type.INTEGER: ("a whole number", _NUMBERS),
    Type.TIME: ("a time", (_KINDS.is_integer, _KINDS.is_timestamp, _KINDS.is_date)),
    Type.BOOLEAN: ("true or false", (_KINDS.is_boolean,)),
}
_BYTES = (
    *(_KINDS.is_string, _KINDS.is_large_string, _KINDS.is_string_view),
    *(_KINDS.is_binary, _KINDS.is_large_binary, _KINDS.is_binary_view),
)


def is_text(kind: pa.DataType) -> bool:
    """Whether the values are bytes of any number: text, where they are UTF-8."""
    return any(is_one(kind) for is_one in _BYTES)


def plain_columns(schema: pa.Schema) -> list[str]:
    """The columns that are read: none that are nested or have values of unreasonable length."""
    return [c.name for c in schema if not pa.types.is_nested(c.type) and _width(c.type) <= MAX_FIELD]


def text_columns(schema: pa.Schema) -> list[str]:
    """Those that can be read as dictionaries: a long text that is named a million times is in memory once."""
    return [c.name for c in schema if is_text(_stored(c.type))]


def _width(kind: pa.DataType) -> int:
    return int(kind.byte_width) if pa.types.is_fixed_size_binary(kind) else 0


def _stored(kind: pa.DataType) -> pa.DataType:
    """The storage type of JSON; other extension types stay as they are."""
    return pa.string() if kind == pa.json_() else kind


def unfit_columns(dataset: Dataset, schema: pa.Schema) -> list[Field]:
    """Fields whose columns are of a type that has no value for them."""
    return [f for f in dataset.fields if f.name in schema.names and not _fits(f, schema.field(f.name).type)]


def _fits(field: Field, kind: pa.DataType) -> bool:
    while pa.types.is_dictionary(kind) or pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
    kind = _stored(kind)
    is_short = pa.types.is_fixed_size_binary(kind) and _width(kind) <= MAX_FIELD
    return (
        is_text(kind)
        or is_short
        or pa.types.is_null(kind)
        or any(is_one(kind) for is_one in _FITS[field.type][1])
    )


def check_columns(dataset: Dataset, file: pq.ParquetFile) -> None:
    """UnfitColumn: a column that has values cannot be read as its field's type."""
    for field in unfit_columns(dataset, file.schema_arrow):
        kind = file.schema_arrow.field(field.name).type
        if pa.types.is_nested(kind) or _has_values(file, field.name):
            raise UnfitColumn(
                f"column {field.name} is of the type {kind}, which is not {_FITS[field.type][0]}"
            )


def _has_values(file: pq.ParquetFile, name: str) -> bool:
    batches = file.iter_batches(1024, columns=[name], use_threads=False)
    return any(batch.column(0).null_count < len(batch) for batch in batches)


def plain(array: Any) -> Any:
    """The same values in a type that columns are judged in: of text, string or its dictionary, of decimals 128 bits.

    Bytes are text here, whether or not they are UTF-8. Other types stay as they are.
    """
    kind = array.type
    if kind == pa.json_():
        return plain(array.storage)
    if pa.types.is_run_end_encoded(kind):
        return plain(pc.run_end_decode(array))
    if pa.types.is_dictionary(kind):
        return pa.DictionaryArray.from_arrays(array.indices, plain(array.dictionary))
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind) or pa.types.is_fixed_size_binary(kind):
        array = array.cast(pa.large_binary())
    if pa.types.is_binary(array.type):
        return array.view(pa.string())
    if pa.types.is_large_binary(array.type):
        return array.view(pa.large_string())
    if pa.types.is_decimal32(kind) or pa.types.is_decimal64(kind):
        return array.cast(pa.decimal128(kind.precision, kind.scale))
    if pa.types.is_decimal256(kind) and 0 <= kind.scale <= 18:
        try:
            return array.cast(pa.decimal128(38, kind.scale))
        except pa.ArrowInvalid:
            return array
    return array
