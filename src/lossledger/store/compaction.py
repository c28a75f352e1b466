"""Merges small files of the tables to which every run appends a row or two."""

from collections import Counter

import pyarrow as pa
from deltalake.exceptions import CommitFailedError, DeltaError

from lossledger.engine.errors import ConflictError
from lossledger.schemas.core import Table
from lossledger.schemas.ops import RESTATEMENTS, RUNS
from lossledger.schemas.registry import RAW
from lossledger.store.creation import write_error
from lossledger.store.fence import commit_properties
from lossledger.store.warehouse import Warehouse

# Only where runs append. Files of the other tables are replaced date by date, and carry notes that the next night
# reads; a compaction of Delta would drop these.
APPENDED = (RUNS, RESTATEMENTS, *RAW.values())


def count_fragmented(warehouse: Warehouse, table: Table) -> int:
    """The number of values of the partition column whose rows are in several files."""
    actions = pa.table(warehouse.delta(table).get_add_actions(flatten=True))
    name = f"partition.{table.partition}"
    if name not in actions.column_names:
        return 0
    return sum(count > 1 for count in Counter(actions.column(name).to_pylist()).values())


def compact_files(warehouse: Warehouse, table: Table) -> None:
    """Merge the files of each value of the partition column into one: a new version with equal rows."""
    delta = warehouse.delta(table)
    try:
        delta.optimize.compact(commit_properties=commit_properties(delta, warehouse.lease))
    except CommitFailedError as error:
        raise ConflictError(f"{table.full_name} was written by somebody else meanwhile: try again") from error
    except (OSError, DeltaError) as error:
        raise write_error(f"{table.full_name} in {warehouse.path(table)}", error) from error
