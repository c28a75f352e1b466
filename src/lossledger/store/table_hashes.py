"""A hash of a table's rows that does not depend on how they are stored: not on files, order or compression."""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lossledger.schemas.core import Table
from lossledger.store.arrow import completed, sort_by_key
from lossledger.store.data_files import files_of
from lossledger.store.duck import connect, select_files
from lossledger.store.places import Copies
from lossledger.store.staging import Staging, part_schema
from lossledger.store.thresholds import MEMORY_SORT_ROWS
from lossledger.store.warehouse import Warehouse

BLOCK = 1 << 16  # rows that are hashed together, column by column
_ZERO = {pa.string(): "", pa.bool_(): False}


def table_sha256(
    table: Table, batches: Iterable[pa.RecordBatch], columns: Sequence[str] | None = None
) -> str:
    """Of rows that come in order of the key: SHA-256 over blocks of them, the partition column left out.

    `columns`: those of the rows, where they are not all that the table has today.

    A block is its number of rows, then per column one byte a row (1 for a value, 0 for null), and the
    values: texts by their lengths (4 bytes each) and their UTF-8, booleans as bytes, times and integers in 8,
    decimals in 16 bytes, little-endian; what is null counts as zero or empty.
    """
    names = part_schema(table).names if columns is None else columns
    digest = hashlib.sha256(f"{table.full_name} {','.join(names)}".encode())
    for block in _blocks(batches):
        digest.update(block.num_rows.to_bytes(8, "little"))
        for column in block.columns:
            _add(digest, column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column)
    return digest.hexdigest()


def _blocks(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Regroup into blocks of BLOCK rows; the last one may be shorter."""
    held: list[pa.Table] = []
    rows = 0
    for batch in batches:
        held.append(pa.Table.from_batches([batch]))
        rows += batch.num_rows
        while rows >= BLOCK:
            whole = pa.concat_tables(held)
            yield whole.slice(0, BLOCK)
            held, rows = [whole.slice(BLOCK)], rows - BLOCK
    if rows:
        yield pa.concat_tables(held)


def _add(digest: "hashlib._Hash", column: pa.Array) -> None:
    if isinstance(column, pa.ChunkedArray):  # a block of one chunk stays one
        column = pa.concat_arrays(column.chunks)
    digest.update(column.is_valid().cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
    if column.null_count:
        column = column.fill_null(_zero(column.type))
    if pa.types.is_string(column.type):
        digest.update(pc.binary_length(column).to_numpy(zero_copy_only=False).astype("<i4").tobytes())
        _, offsets, data = column.buffers()
        ends = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
        if data is not None:
            digest.update(memoryview(data)[int(ends[0]) : int(ends[-1])])
    elif pa.types.is_boolean(column.type):
        digest.update(column.cast(pa.uint8()).to_numpy(zero_copy_only=False).tobytes())
    else:
        width = column.type.bit_width // 8
        data = column.buffers()[1]
        digest.update(memoryview(data)[column.offset * width : (column.offset + len(column)) * width])


def _zero(kind: pa.DataType) -> pa.Scalar:
    if pa.types.is_decimal(kind):
        return pa.scalar(Decimal(0), kind)
    if kind in _ZERO:
        return pa.scalar(_ZERO[kind], kind)
    return pa.scalar(0, pa.int64()).cast(kind)


def staged_sha256(staging: Staging, table: Table) -> str:
    """The hash of a staged table, computed once and stored with the list of parts."""
    note = staging.read_note(table.name)
    if "sha256" not in note:
        with Copies() as copies:
            files = copies.of(staging.paths(table))
            note["sha256"] = table_sha256(table, ordered(table, files, staging.spill))
        staging.write_note(table.name, note)
    found: str = note["sha256"]
    return found


def stored_sha256(
    warehouse: Warehouse,
    table: Table,
    day: date,
    version: int | None = None,
    columns: Sequence[str] | None = None,
) -> str:
    """The hash of a table's rows of a date in a version, over some columns; OSError, ArrowException: unreadable."""
    files = files_of(warehouse, table, day, version)
    with tempfile.TemporaryDirectory() as spill, Copies() as copies:
        batches = ordered(table, copies.of(files), Path(spill), columns)
        return table_sha256(table, batches, columns)


def ordered(
    table: Table, files: list[Path], spill: Path, columns: Sequence[str] | None = None
) -> Iterator[pa.RecordBatch]:
    """The rows of sorted part files in order of the key, out of core where they are many; all columns, or some."""
    schema = part_schema(table)
    if columns is not None:
        schema = pa.schema([schema.field(name) for name in columns])
    rows = [pq.ParquetFile(path).metadata.num_rows for path in files]
    if len(files) <= 1:
        for path in files:
            for batch in pq.ParquetFile(path).iter_batches(BLOCK):
                yield from _declared(table, pa.Table.from_batches([batch]), schema).to_batches()
    elif sum(rows) <= MEMORY_SORT_ROWS:
        data = pa.concat_tables([_declared(table, pq.ParquetFile(path).read(), schema) for path in files])
        yield from sort_by_key(table, data).to_batches()
    else:
        with connect(spill, sum(rows)) as connection:
            keys = ", ".join(f'"{key}"' for key in table.key if key != table.partition)
            names = ", ".join(f'"{name}"' for name in schema.names)
            query = f"select {names} from ({select_files(files, table)}) order by {keys or 'all'}"
            found = connection.execute(query)
            for batch in found.to_arrow_reader(BLOCK):
                yield from pa.Table.from_batches([batch]).cast(schema).to_batches()


def _declared(table: Table, data: pa.Table, schema: pa.Schema) -> pa.Table:
    return completed(table, data).select(schema.names).cast(schema)
