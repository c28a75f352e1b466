"""Reading a Delta table's files through Arrow."""

from typing import Any

import pyarrow as pa
import pyarrow.fs
from deltalake import DeltaTable

from schemas.core import Table
from store.arrow import arrow_schema


def dataset(delta: DeltaTable, partitions: list[tuple[str, str, Any]] | None = None) -> Any:
    """The table's files, or those of some partitions, as an Arrow dataset.

    Arrow's own file system reads them: with the one that deltalake puts in by default, two of three
    processes that had read a table were aborted at their exit (deltalake 1.6.6, pyarrow 23).
    """
    file_system, root = pa.fs.FileSystem.from_uri(delta.table_uri)
    beneath = pa.fs.SubTreeFileSystem(root, file_system)
    return delta.to_pyarrow_dataset(filesystem=beneath, file_pruning_predicate=partitions)


def read(
    table: Table, delta: DeltaTable, partitions: list[tuple[str, str, Any]] | None = None, filters: Any = None
) -> pa.Table:
    """Rows in the declared types."""
    return dataset(delta, partitions).to_table(filter=filters).cast(arrow_schema(table))
