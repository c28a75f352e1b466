"""Pass 2 sorts the rows of a group of buckets from all parts and writes them as a file of the ledger."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lossledger.engine.clock import day_start_us, iso
from lossledger.engine.errors import InvariantError
from lossledger.jobs.load.columns.compact_types import concat, expand_column
from lossledger.jobs.load.columns.part_layout import (
    NO_ISOLATION,
    ROW_BITS,
    ROW_MASK,
    TIME_BITS,
    TIME_MASK,
    group_field,
    id_field,
    kind_of,
)
from lossledger.jobs.load.columns.pass1_partition import MappedPart
from lossledger.jobs.load.columns.radix import order_of
from lossledger.jobs.load.columns.validation_context import ValidationContext, read_context
from lossledger.schemas.core import Dataset, Table
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import fetched, place, written
from lossledger.store.thresholds import PRESORT_FROM_ROWS, SORT_ROWS

_SAMPLE = 1 << 18  # keys that are looked at to part them
_ROW_GROUP = 1 << 18


@dataclass(frozen=True)
class SortTask:
    """Buckets `first` to before `last`. `file_numbers`, `first_rows`: per piece, its file and the rows before it."""

    dataset: str
    day: date
    parts: Sequence[str]
    first: int
    last: int
    dropped: Sequence[str]
    context: str
    file_numbers: Sequence[int]
    first_rows: Sequence[int]
    out: str


class WrittenFile(NamedTuple):
    """A file of the ledger: its name, rows and statistics, none when the buckets are empty."""

    path: str
    rows: int
    stats: str


def sort_buckets(task: SortTask) -> WrittenFile:
    """Write the file; a bucket of any size is sorted one range of keys at a time."""
    dataset, table, context = DATASETS[task.dataset], TYPED[task.dataset], read_context(task.context)
    schema = pa.schema([f.remove_metadata() for f in arrow_schema(table) if f.name != table.partition])
    rows, times, buckets = 0, [], []
    writer: Any = None
    with ExitStack() as files:
        for stretch in _stretches(task):
            data = _sorted(stretch, dataset)
            if not data.num_rows:
                continue
            columns = _ledger_columns(task, dataset, table, context, data, schema)
            if writer is None:
                out = files.enter_context(written(place(task.out)))
                writer = files.enter_context(_writer(out, columns.schema))
            writer.write_table(columns, row_group_size=_ROW_GROUP)
            rows += data.num_rows
            times.append(pc.min_max(columns.column("ts").cast(pa.int64())).as_py())
            if "account_bucket" in columns.column_names:
                buckets.append(pc.min_max(columns.column("account_bucket")).as_py())
    if writer is None:
        return WrittenFile("", 0, "")
    low, high = {"ts": iso(min(t["min"] for t in times))}, {"ts": iso(max(t["max"] for t in times))}
    if buckets:
        low["account_bucket"] = min(b["min"] for b in buckets)
        high["account_bucket"] = max(b["max"] for b in buckets)
    stats = {"numRecords": rows, "minValues": low, "maxValues": high, "nullCount": dict.fromkeys(low, 0)}
    return WrittenFile(task.out, rows, json.dumps(stats))


def _stretches(task: SortTask) -> Iterator[pa.Table]:
    """The kept rows, in ranges of the sort key when there are more than SORT_ROWS."""
    dropped = _dropped(task)
    parts = [MappedPart(path, (task.first, task.last)) for path in task.parts]
    slices = [s for part in parts for s in _slices(task, part)]
    total = sum(s.num_rows for s in slices)
    if not total:
        return
    if total <= SORT_ROWS:
        yield concat([_kept(s, dropped) for s in slices])
        return
    keys = [s.column("sort_key").to_numpy() for s in slices]
    sorted_by_key = [len(k) >= PRESORT_FROM_ROWS and bool((k[1:] >= k[:-1]).all()) for k in keys]
    sample = np.sort(np.concatenate([k[:: max(1, total // _SAMPLE)] for k in keys]))
    count = -(-total // (SORT_ROWS // 2))
    bounds = np.unique(sample[np.linspace(0, len(sample) - 1, count + 1).astype(int)[1:-1]])
    low = np.iinfo(np.int64).min
    for high in [*bounds.tolist(), np.iinfo(np.int64).max]:
        yield concat(
            [
                _kept(_between(s, k, low, high, in_order), dropped)
                for s, k, in_order in zip(slices, keys, sorted_by_key, strict=True)
            ]
        )
        for part in parts:
            part.forget()
        low = high


def _slices(task: SortTask, part: MappedPart) -> Iterator[pa.Table]:
    """The rows of a part that belong to this task; every large bucket is a slice of its own."""
    rows = part.rows.drop_columns(["key_hash"]).replace_schema_metadata(None)
    first = task.first
    for bucket in range(task.first, task.last):
        many = part.edges[bucket + 1] - part.edges[bucket] >= PRESORT_FROM_ROWS
        for start, stop in ((first, bucket), (bucket, bucket + 1)) if many else ():
            yield _slice(rows, part.edges[start], part.edges[stop])
            first = stop
    yield _slice(rows, part.edges[first], part.edges[task.last])


def _slice(rows: pa.Table, start: int, stop: int) -> pa.Table:
    return rows.slice(int(start), int(stop - start))


def _between(rows: pa.Table, keys: np.ndarray, low: int, high: int, in_order: bool) -> pa.Table:
    """Those with low < sort key ≤ high."""
    if in_order:
        return _slice(rows, *np.searchsorted(keys, [low, high], "right"))
    return rows.filter(pa.array((keys > low) & (keys <= high)))


def _dropped(task: SortTask) -> list[np.ndarray]:
    """The sorted places of rows that are not kept, a file each."""
    found = []
    for path in task.dropped:
        with fetched(place(path)) as file:
            found.append(np.load(file, mmap_mode="r"))
    return found


def _kept(data: pa.Table, dropped: Sequence[np.ndarray]) -> pa.Table:
    """Remove the rows whose places are dropped, before anything of a flood of one key is held."""
    if not dropped or not data.num_rows:
        return data
    places = data.column("place").to_numpy()
    kept = np.ones(len(places), dtype=bool)
    for found in dropped:
        kept &= found[np.minimum(np.searchsorted(found, places), len(found) - 1)] != places
    return data if kept.all() else data.filter(pa.array(kept))


def _sorted(data: pa.Table, dataset: Dataset) -> pa.Table:
    """By number and time, then by id: digits alone first, as numbers (rules.md section 4)."""
    if not data.num_rows:
        return data
    data = data.combine_chunks()
    keys = data.column("sort_key").to_numpy()
    order = order_of(keys)
    ordered = keys[order]
    tie = ordered[1:] == ordered[:-1]
    name = id_field(dataset)
    if name and tie.any():
        within = np.flatnonzero(np.r_[tie, False] | np.r_[False, tie])
        rows = order[within]
        ids = expand_column(data.column(name)).combine_chunks().take(pa.array(rows))
        by = pa.table({"key": ordered[within], **id_order(ids)})
        order[within] = rows[pc.sort_indices(by, [(n, "ascending") for n in by.column_names]).to_numpy()]
    return pc.take(data, pa.array(order), boundscheck=False).combine_chunks()


def id_order(ids: pa.Array) -> dict[str, pa.Array]:
    """Sort columns that give ids the order of `engine.ids.order_key`."""
    text = ids.cast(pa.binary())  # bytes of UTF-8 are in the order of code points
    digits = pc.match_substring_regex(ids, "^[0-9]+$")
    lengths = pc.binary_length(text)
    if not pc.any(digits).as_py() or (pc.all(digits).as_py() and pc.min(lengths) == pc.max(lengths)):
        return {"id": text}
    number = pc.ascii_ltrim(ids, "0")
    length = pc.if_else(digits, pc.utf8_length(number), 0)
    number = pc.if_else(digits, number, "").cast(pa.binary())
    return {"is_text": pc.invert(digits).cast(pa.int8()), "length": length, "number": number, "id": text}


def _ledger_columns(
    task: SortTask,
    dataset: Dataset,
    table: Table,
    context: ValidationContext,
    data: pa.Table,
    schema: pa.Schema,
) -> pa.Table:
    """The rows in the ledger's columns; names are dictionaries, so that each is written once."""
    keys, places = data.column("sort_key").to_numpy(), data.column("place").to_numpy()
    number = keys >> TIME_BITS
    group = group_field(dataset)
    piece = places >> ROW_BITS
    made: dict[str, Any] = {
        "ts": pa.array((keys & TIME_MASK) + day_start_us(task.day)).cast(pa.timestamp("us", tz="UTC")),
        "file_number": pa.array(np.asarray(task.file_numbers, dtype=np.int64)[piece]),
        "row_number": pa.array(np.asarray(task.first_rows, dtype=np.int64)[piece] + (places & ROW_MASK) + 1),
    }
    coded: dict[str, np.ndarray] = {group: number}
    fields = {f.name: f for f in dataset.fields}
    for f in dataset.fields:
        if kind_of(f) and f.name != group:
            coded[f.name] = data.column(f.name).to_numpy()
    for name, codes in coded.items():
        kind = kind_of(fields[name])
        if kind is None:
            raise InvariantError(f"{dataset.name}.{name} is no column of names")
        made[name] = _named(codes, context.numbers.arrays[kind])
        made[f"{kind}_number"] = pa.array(codes.astype(np.int64)) if name != "isolation" else None
        if kind == "account":
            made["account_bucket"] = pa.array(context.account_bucket[codes].astype(np.int64))
    columns = []
    for column in table.columns:
        if column.name == table.partition:
            continue
        made_of = made.get(column.name)
        columns.append(made_of if made_of is not None else _stored(data, fields[column.name]))
    fields_of = [pa.field(f.name, c.type, f.nullable) for f, c in zip(schema, columns, strict=True)]
    return pa.Table.from_arrays(columns, schema=pa.schema(fields_of))


def _named(codes: np.ndarray, names: pa.Array) -> pa.DictionaryArray:
    """The names of the numbers; the dictionary holds only names that occur."""
    place = np.zeros(len(names) + 1, dtype=np.int32)
    place[codes] = 1  # -1, no isolation, is the last place
    none = bool(place[NO_ISOLATION])
    used = np.flatnonzero(place[:-1])
    place[used] = np.arange(len(used), dtype=np.int32)
    place[NO_ISOLATION] = len(used)
    dictionary = names.take(pa.array(used))
    if none:
        dictionary = pa.concat_arrays([dictionary, pa.array([""], names.type)])
    return pa.DictionaryArray.from_arrays(pa.array(place[codes]), dictionary)


def _stored(data: pa.Table, field: Any) -> Any:
    column = data.column(field.name)
    if field.values:
        codes = column.combine_chunks().cast(pa.int32())
        return pa.DictionaryArray.from_arrays(codes, pa.array(field.values))
    return expand_column(column)


def _writer(path: Path, schema: pa.Schema) -> Any:
    coded = [f.name for f in schema if pa.types.is_dictionary(f.type)]
    coded += [n for n in schema.names if n.endswith(("_number", "_bucket")) and n != "row_number"]
    return pq.ParquetWriter(
        path,
        schema,
        compression="zstd",
        compression_level=1,
        use_dictionary=coded,
        write_statistics=[n for n in ("ts", "account_bucket", "instrument_id") if n in schema.names],
        store_schema=False,
    )
