"""Reading a Delta table's files through Arrow."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
from deltalake import DeltaTable

from lossledger.schemas.core import Table
from lossledger.schemas.provenance import late_columns
from lossledger.store.arrow import arrow_schema, filled
from lossledger.store.places import SCHEME, place


def dataset(
    table: Table,
    delta: DeltaTable,
    partitions: list[tuple[str, str, Any]] | None = None,
    coded: Sequence[str] = (),
) -> Any:
    """The table's files, or those of some partitions, as an Arrow dataset; columns `coded` as dictionaries.

    A column added after a file was written is null in it; `filled` gives its value.

    Arrow's own file system reads them: with the one that deltalake puts in by default, two of three
    processes that had read a table were aborted at their exit (deltalake 1.6.6, pyarrow 23).
    """
    beneath = _beneath(delta.table_uri)
    options = ds.ParquetReadOptions(dictionary_columns=list(coded)) if coded else None
    return delta.to_pyarrow_dataset(
        filesystem=beneath,
        file_pruning_predicate=partitions,
        parquet_read_options=options,
        schema=arrow_schema(table),
    )


class DataFile(NamedTuple):
    """A data file, relative to its table, and the values of the columns that are not in it."""

    path: str
    values: Mapping[str, date]


def dataset_of(uri: str, pieces: Sequence[DataFile], schema: pa.Schema) -> Any:
    """Files of the table at `uri` as an Arrow dataset; none is opened that a filter on its values leaves out."""
    parquet = ds.ParquetFileFormat()
    beneath = _beneath(uri) if pieces else pa.fs.LocalFileSystem()
    fragments = [
        parquet.make_fragment(piece.path, beneath, partition_expression=_equal(piece.values))
        for piece in pieces
    ]
    return ds.FileSystemDataset(fragments, schema, parquet, beneath)


def _all_pieces(delta: DeltaTable) -> list[DataFile]:
    """Without the statistics of each file, which spare nothing where all is read."""
    actions = pa.table(delta.get_add_actions(flatten=True))
    names = [name for name in actions.column_names if name.startswith("partition.")]
    days = [actions.column(name).cast(pa.date32()).to_pylist() for name in names]
    keys = [name.removeprefix("partition.") for name in names]
    paths = actions.column("path").to_pylist()
    values = zip(*days, strict=True) if days else [()] * len(paths)
    return [
        DataFile(unquote(path), dict(zip(keys, of, strict=True)))
        for path, of in zip(paths, values, strict=True)
    ]


def _equal(values: Mapping[str, date]) -> Any:
    result = None
    for name, value in values.items():
        this = ds.field(name) == pa.scalar(value, pa.date32())
        result = this if result is None else result & this
    return result


def _beneath(uri: str) -> Any:
    """The files of a table, by their names in it."""
    if uri.startswith(SCHEME):
        from lossledger.store.object_datasets import file_system_below

        return file_system_below(place(unquote(uri)))
    file_system, root = pa.fs.FileSystem.from_uri(uri)
    return pa.fs.SubTreeFileSystem(root, file_system)


def batches(
    table: Table,
    delta: DeltaTable,
    partitions: list[tuple[str, str, Any]] | None,
    columns: Sequence[str],
    filters: Any = None,
    coded: Sequence[str] = (),
    wanted: Any = None,
    every: tuple[int, int] = (0, 1),
    sparing: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Batches of rows: file by file in order of their names, which begin with the date, in the file's order.

    `wanted`: decides by the metadata of a file whether it is read. `every`: the first file, and how far on the
    next one is. `sparing`: holds at most two row groups of a file; otherwise Arrow reads the whole file ahead of a slow
    consumer (pyarrow 23).
    """
    found = dataset(table, delta, partitions, coded)
    files = sorted(found.get_fragments(), key=lambda fragment: fragment.path)[every[0] :: every[1]]
    if wanted is not None:
        files = [f for f in files if wanted(f.metadata.metadata or {})]
    if sparing:
        groups = (group for file in files for group in file.split_by_row_group(filters))
        scanned = (
            batch
            for group in groups
            for batch in group.to_batches(schema=found.schema, columns=list(columns), filter=filters)
        )
        return one_ahead(_filled(table, batch) for batch in scanned if batch.num_rows)
    chosen = ds.FileSystemDataset(files, found.schema, found.format, found.filesystem)
    # Little is to be read ahead: other tasks keep the other cores busy.
    scanner = chosen.scanner(columns=list(columns), filter=filters, batch_readahead=4, fragment_readahead=1)
    scanned = scanner.to_batches()
    return (_filled(table, batch) for batch in scanned if batch.num_rows)


def filled_reader(table: Table, reader: pa.RecordBatchReader) -> pa.RecordBatchReader:
    """The rows of a reader, with the default of late columns in rows written before them."""
    return pa.RecordBatchReader.from_batches(reader.schema, (_filled(table, batch) for batch in reader))


def _filled(table: Table, batch: pa.RecordBatch) -> pa.RecordBatch:
    if not late_columns(table):
        return batch
    [whole] = filled(table, pa.Table.from_batches([batch])).combine_chunks().to_batches()
    return whole


def one_ahead(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Prefetch: the next batch is read while the caller works on one."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = reader.submit(next, batches, None)
            yield batch


def read(
    table: Table, delta: DeltaTable, partitions: list[tuple[str, str, Any]] | None = None, filters: Any = None
) -> pa.Table:
    """Rows in the declared types."""
    if partitions is None and filters is None:
        found = dataset_of(delta.table_uri, _all_pieces(delta), arrow_schema(table)).to_table()
    else:
        found = dataset(table, delta, partitions).to_table(filter=filters).cast(arrow_schema(table))
    return filled(table, found)
