"""Looks up ids in earlier dates of the ledger."""

from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.schemas.core import Table
from lossledger.store.delta import dataset
from lossledger.store.places import open_table


def ids_before(path: str, table: Table, name: str, day: date, ids: pa.ChunkedArray) -> pa.Array:
    """Those of the ids that an earlier date contains."""
    wanted = pc.unique(ids)
    condition = (pc.field(table.partition) < pa.scalar(day)) & pc.field(name).isin(wanted)
    found = dataset(table, open_table(path)).to_table(filter=condition, columns=[name])
    return pc.unique(found.column(name).cast(pa.string()))
