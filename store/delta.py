"""Reading a Delta table's files through Arrow."""

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs
from deltalake import DeltaTable

from schemas.core import Table
from store.arrow import arrow_schema
from store.places import SCHEME, place


def dataset(
    delta: DeltaTable, partitions: list[tuple[str, str, Any]] | None = None, coded: Sequence[str] = ()
) -> Any:
    """The table's files, or those of some partitions, as an Arrow dataset; columns `coded` as dictionaries.

    Arrow's own file system reads them: with the one that deltalake puts in by default, two of three
    processes that had read a table were aborted at their exit (deltalake 1.6.6, pyarrow 23).
    """
    if delta.table_uri.startswith(SCHEME):
        from store.reading import file_system_below

        beneath = file_system_below(place(unquote(delta.table_uri)))
    else:
        file_system, root = pa.fs.FileSystem.from_uri(delta.table_uri)
        beneath = pa.fs.SubTreeFileSystem(root, file_system)
    options = ds.ParquetReadOptions(dictionary_columns=list(coded)) if coded else None
    return delta.to_pyarrow_dataset(
        filesystem=beneath, file_pruning_predicate=partitions, parquet_read_options=options
    )


def batches(
    delta: DeltaTable,
    partitions: list[tuple[str, str, Any]] | None,
    columns: Sequence[str],
    filters: Any = None,
    coded: Sequence[str] = (),
    wanted: Any = None,
) -> Iterator[pa.RecordBatch]:
    """Rows some at a time: file by file in the order of their names, which begin with the date, as they stand there.

    `wanted`: says of a file, by its own notes, whether it is to be read.
    """
    found = dataset(delta, partitions, coded)
    files = sorted(found.get_fragments(), key=lambda fragment: fragment.path)
    if wanted is not None:
        files = [f for f in files if wanted(f.metadata.metadata or {})]
    chosen = ds.FileSystemDataset(files, found.schema, found.format, found.filesystem)
    filled = chosen.scanner(columns=list(columns), filter=filters).to_batches()
    return (batch for batch in filled if batch.num_rows)


def read(
    table: Table, delta: DeltaTable, partitions: list[tuple[str, str, Any]] | None = None, filters: Any = None
) -> pa.Table:
    """Rows in the declared types."""
    return dataset(delta, partitions).to_table(filter=filters).cast(arrow_schema(table))
