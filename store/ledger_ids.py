"""Ids that the ledger holds already."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from schemas.core import Table
from store.delta import dataset


def ids_before(path: Path, table: Table, name: str, day: date, ids: pa.ChunkedArray) -> pa.Array:
    """Those of the ids that stand in an earlier date."""
    wanted = pc.unique(ids)
    condition = (pc.field(table.partition) < pa.scalar(day)) & pc.field(name).isin(wanted)
    found = dataset(DeltaTable(str(path))).to_table(filter=condition, columns=[name])
    return pc.unique(found.column(name).cast(pa.string()))
