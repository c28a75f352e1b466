"""Finds plainly good rows, column by column. It rejects nothing: the reference judge decides every other row."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import DAY_US, day_start_us
from lossledger.engine.intake.parsing import FIRST_MICROS, LAST_MICROS
from lossledger.jobs.load.columns.decimal128 import on_grid, parse_decimals, positive, rescale
from lossledger.jobs.load.columns.hash64 import hash_numbers
from lossledger.jobs.load.columns.part_layout import (
    NO_ISOLATION,
    ROW_BITS,
    TIME_BITS,
    group_field,
    id_field,
    kind_of,
    part_schema,
    stored_fields,
)
from lossledger.jobs.load.columns.texts import (
    NameTable,
    copy_spans,
    hash_spans,
    look_up,
    parse_bools,
    parse_times,
    plain_ids,
)
from lossledger.jobs.load.columns.validation_context import ValidationContext, enum_table
from lossledger.kernel.compiler import loop
from lossledger.schemas.core import Dataset, Field, Type
from lossledger.schemas.inputs import DATASETS

_DECIMAL = pa.decimal128(38, 18)
_NORMAL = DATASETS["fills"].field("kind").values.index("normal")
_EMPTY = np.zeros(1, dtype=np.uint8)
MOST_BYTES = 1 << 31  # of a column of texts in one batch


class Spans(NamedTuple):
    """A column of texts in a buffer; an empty one is null."""

    text: np.ndarray
    starts: np.ndarray
    ends: np.ndarray


class Decimals(NamedTuple):
    words: np.ndarray
    valid: np.ndarray


Source: TypeAlias = Any  # Spans, an Arrow array, or None where the file has no such column


class Judged(NamedTuple):
    """The plainly good rows in the schema of a part, and a flag for each row."""

    batch: pa.RecordBatch
    good: np.ndarray


class ColumnJudge:
    """Judges batches of one dataset and folder."""

    def __init__(self, dataset: Dataset, context: ValidationContext, day: date) -> None:
        self.dataset, self.context = dataset, context
        self.start = day_start_us(day)
        self._coded: dict[str, tuple[pa.Array, np.ndarray]] = {}

    def judge(self, sources: Mapping[str, Source], odd: np.ndarray, piece: int, first_row: int) -> Judged:
        """Skips `odd` rows; row numbers of the batch begin at `first_row`."""
        good = (odd == 0).astype(np.uint8)
        n = len(good)
        values = {f.name: self._values(f, sources.get(f.name), good) for f in self.dataset.fields}
        times = values["ts"]
        good &= (times >= self.start) & (times < self.start + DAY_US)
        self._check_references(values, good)
        chosen = np.flatnonzero(good)
        whole = len(chosen) == n
        places = (piece << ROW_BITS) + first_row + chosen
        since = times[chosen] - self.start
        group = values[group_field(self.dataset)][chosen].astype(np.int64)
        arrays = [
            pa.array(places),
            pa.array(group << TIME_BITS | since),
            pa.array(self._hashes(values, since, chosen)),
        ]
        for f in stored_fields(self.dataset):
            source = sources.get(f.name)
            as_it_is = whole and isinstance(values[f.name], Spans) and _is_plain_text(source)
            arrays.append(source if as_it_is else _cut_column(f, values[f.name], None if whole else chosen))
        return Judged(pa.RecordBatch.from_arrays(arrays, schema=part_schema(self.dataset)), good)

    def _values(self, field: Field, source: Source, good: np.ndarray) -> Any:
        """The decoded field; the names of a dictionary are looked up once for all batches that share it."""
        if not isinstance(source, pa.DictionaryArray):
            return decode(field, source, good, self._names(field))
        names = self._names(field)
        if names is None:
            return decode(field, source, good, None)
        before = self._coded.get(field.name)
        if before is None or not before[0].equals(source.dictionary):
            before = self._coded[field.name] = (source.dictionary, numbers_of(source.dictionary, names))
        values = coded_numbers(source, before[1])
        accept_numbers(field, values, good)
        return values

    def _names(self, field: Field) -> NameTable | None:
        """The closed set of texts that a field allows; None: any text."""
        kind = kind_of(field)
        if kind:
            return cast(NameTable, self.context.tables[kind])
        return cast(NameTable, enum_table(field.values)) if field.values else None

    def _check_references(self, values: Mapping[str, Any], good: np.ndarray) -> None:
        """Accounts and instruments known at the time, grids, and money in whole ledger units."""
        context, times = self.context, values["ts"]
        if "account_id" in values:
            account = _safe(values["account_id"])
            good &= _at(context.account_from, account) <= times
        currency = _safe(values["currency"]) if "currency" in values else None
        if "instrument_id" in values:
            instrument = _safe(values["instrument_id"])
            version = np.empty(len(good), dtype=np.int64)
            version_at(instrument, times, context.version_at, context.version_from, version)
            good &= version >= 0
            if self.dataset.name == "fills":
                currency = _at(context.settlement, instrument)
                orders = good & (values["kind"] == _NORMAL)  # only they are bound to the order book's grid
                for name in ("price", "quantity"):
                    on_grid(*values[name], version, context.steps[name], orders)
                good &= orders | (values["kind"] != _NORMAL)
        if "isolation" in values:
            isolation = values["isolation"]
            version = np.empty(len(good), dtype=np.int64)
            version_at(_safe(isolation), times, context.version_at, context.version_from, version)
            fits = (version >= 0) & (_at(context.settlement, _safe(isolation)) == currency)
            good &= fits | (isolation == -2)
        if currency is not None:
            money = context.steps["money"]
            good &= _at(money[:, 2], _safe(currency)) != 0
            for f in self.dataset.fields:
                if f.money:
                    on_grid(*values[f.name], currency, money, good)

    def _hashes(self, values: Mapping[str, Any], since: np.ndarray, chosen: np.ndarray) -> np.ndarray:
        name = id_field(self.dataset)
        if name is None:
            return hash_numbers(since if n == "ts" else values[n][chosen] for n in self.dataset.key)
        text, starts, ends = values[name]
        out = np.empty(len(chosen), dtype=np.uint64)
        hash_spans(text, starts[chosen], ends[chosen], out)
        return out


def decode(field: Field, source: Source, good: np.ndarray, names: NameTable | None) -> Any:
    """The values of a field where they are plainly good: places among `names`, Spans, Decimals or an array."""
    if field.type is Type.TEXT:
        values = _decode_text(source, good, names)
        if isinstance(values, np.ndarray):
            accept_numbers(field, values, good)
        return values
    if field.type is Type.DECIMAL:
        decimals = _decode_decimals(source, good)
        if field.required:
            good &= decimals.valid
        if field.positive:
            positive(decimals.words, decimals.valid, good)
        return decimals
    if field.type is Type.TIME:
        return _decode_times(source, good)
    return _decode_bools(source, good, field.required)


def _decode_text(source: Source, good: np.ndarray, names: NameTable | None) -> Any:
    if names is None:
        spans = _spans(source, good)
        plain_ids(*spans, good)
        return spans
    if isinstance(source, pa.DictionaryArray):
        return coded_numbers(source, numbers_of(source.dictionary, names))
    spans = _spans(source, good)
    out = np.empty(len(good), dtype=np.int32)
    look_up(*spans, *names, out)
    return out


def accept_numbers(field: Field, numbers: np.ndarray, good: np.ndarray) -> None:
    """A number of a name is good, and null where the field allows it."""
    good &= numbers >= 0 if field.required else numbers != -1


def numbers_of(dictionary: pa.Array, names: NameTable) -> np.ndarray:
    """The place of each text among the names, and last that of a null."""
    texts = _spans(dictionary, np.zeros(len(dictionary), np.uint8))
    numbers = np.full(len(dictionary) + 1, -2, dtype=np.int32)
    look_up(*texts, *names, numbers[:-1])
    return numbers


def coded_numbers(source: pa.DictionaryArray, numbers: np.ndarray) -> np.ndarray:
    indices = source.indices
    if indices.null_count:
        indices = pc.fill_null(indices.cast(pa.int64()), len(numbers) - 1)
    taken: np.ndarray = numbers[indices.to_numpy(zero_copy_only=False)]
    return taken


def _is_plain_text(source: Source) -> bool:
    return isinstance(source, pa.Array) and pa.types.is_string(source.type) and not source.null_count


@loop
def version_at(instrument, times, version_start, version_from, out):
    """The version of each row's instrument at its time, -1 before the first."""
    for row in range(len(times)):
        out[row] = -1
        if len(version_start) < 2:
            continue
        for v in range(version_start[instrument[row]], version_start[instrument[row] + 1]):
            if version_from[v] <= times[row]:
                out[row] = v


def _safe(codes: np.ndarray) -> np.ndarray:
    """As indices; a row without a number, which is not good already, gets index 0."""
    return np.maximum(codes, 0)


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    if not len(values):  # nothing is known: no row is good
        return np.full(len(places), -1, dtype=np.int64)
    return values[places]


def _spans(source: Source, good: np.ndarray) -> Spans:
    """Texts of a column; one of another type is all null, and not good."""
    if isinstance(source, Spans):
        return source
    n = len(good)
    if source is not None and pa.types.is_dictionary(source.type):
        source = source.dictionary_decode()
    if source is not None and pa.types.is_string_view(source.type):
        source = source.cast(pa.large_string())
    if source is None or not (pa.types.is_string(source.type) or pa.types.is_large_string(source.type)):
        if source is not None and not pa.types.is_null(source.type):
            good[:] = 0
        return Spans(_EMPTY, np.zeros(n, np.int64), np.zeros(n, np.int64))
    width = np.int64 if pa.types.is_large_string(source.type) else np.int32
    _, offsets, data = source.buffers()
    at = np.frombuffer(offsets, dtype=width)[source.offset : source.offset + n + 1]
    text = np.frombuffer(data, dtype=np.uint8) if data is not None and data.size else _EMPTY
    starts, ends = at[:-1], at[1:]
    if source.null_count:
        ends = np.where(_valid(source) == 1, ends, starts)
    return Spans(text, starts, ends)


def _valid(source: pa.Array) -> np.ndarray:
    if not source.null_count:
        return np.ones(len(source), dtype=np.uint8)
    return source.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False)


def _decode_decimals(source: Source, good: np.ndarray) -> Decimals:
    n = len(good)
    words, valid = np.zeros((n, 2), dtype=np.uint64), np.ones(n, dtype=np.uint8)
    if isinstance(source, pa.Array) and pa.types.is_integer(source.type):
        source = source.cast(pa.decimal128(38, 0))
    if isinstance(source, pa.Array) and pa.types.is_decimal128(source.type) and 0 <= source.type.scale <= 18:
        raw = np.frombuffer(source.buffers()[1], dtype=np.uint64).reshape(-1, 2)
        valid = _valid(source)
        rescale(raw[source.offset : source.offset + n], source.type.scale, good, valid, words)
        return Decimals(words, valid)
    parse_decimals(*_spans(source, good), good, words, valid)
    return Decimals(words, valid)


def _decode_times(source: Source, good: np.ndarray) -> np.ndarray:
    if isinstance(source, pa.Array) and (
        pa.types.is_timestamp(source.type) or pa.types.is_int64(source.type)
    ):
        kind, source = source.type, source.view(pa.int64())
        if source.null_count:
            good &= _valid(source)
            source = pc.fill_null(source, 0)
        times = source.to_numpy(zero_copy_only=False)
        if pa.types.is_timestamp(kind):
            return _micros(times, kind.unit, good)
        good &= (times >= FIRST_MICROS) & (times <= LAST_MICROS)
        return times
    out = np.zeros(len(good), dtype=np.int64)
    parse_times(*_spans(source, good), good, out)
    return out


def _micros(times: np.ndarray, unit: str, good: np.ndarray) -> np.ndarray:
    """As 64-bit microseconds; finer times and times that do not fit are not good."""
    if unit == "ns":
        good &= times % 1000 == 0
        return times // 1000
    factor = {"us": 1, "ms": 10**3, "s": 10**6}[unit]
    if factor > 1:
        fits = (times >= 0) & (times < 2**62 // factor)
        good &= fits
        times = np.where(fits, times, 0)
    return times * factor


def _decode_bools(source: Source, good: np.ndarray, required: bool) -> np.ndarray:
    if isinstance(source, pa.Array) and pa.types.is_boolean(source.type):
        if required:
            good &= _valid(source)
        return pc.fill_null(source, False).cast(pa.uint8()).to_numpy(zero_copy_only=False)
    out = np.zeros(len(good), dtype=np.uint8)
    spans = _spans(source, good)
    if required:
        good &= spans.starts < spans.ends
    parse_bools(*spans, good, out)
    return out


def _cut_column(field: Field, values: Any, chosen: np.ndarray | None) -> pa.Array:
    """Rows `chosen` (None: all) of a decoded column, in the type of the part."""
    if isinstance(values, Spans):
        text, starts, ends = values
        return texts_of(
            text, starts if chosen is None else starts[chosen], ends if chosen is None else ends[chosen]
        )
    if isinstance(values, Decimals):
        words = values.words if chosen is None else values.words[chosen]
        valid = values.valid if chosen is None else values.valid[chosen]
        bits = None if valid.all() else pa.array(valid == 1).buffers()[1]
        data = pa.py_buffer(np.ascontiguousarray(words))
        return pa.Array.from_buffers(_DECIMAL, len(words), [bits, data])
    taken = values if chosen is None else values[chosen]
    if field.type is Type.BOOLEAN:
        return pa.array(taken == 1)
    if field.values:
        return pa.array(taken.astype(np.int8))
    return pa.array(np.where(taken < 0, NO_ISOLATION, taken).astype(np.int32))


def texts_of(text: np.ndarray, starts: np.ndarray, ends: np.ndarray) -> pa.Array:
    """Spans as an Arrow array of their own."""
    offsets = np.zeros(len(starts) + 1, dtype=np.int64)
    np.cumsum(ends - starts, out=offsets[1:])
    if offsets[-1] >= MOST_BYTES:
        raise OverflowError("a column of a batch has more than 2 GiB of text")
    out = np.empty(offsets[-1], dtype=np.uint8)
    copy_spans(text, starts, ends, offsets, out)
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(out)]
    return pa.Array.from_buffers(pa.string(), len(starts), buffers)
