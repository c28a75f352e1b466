"""Rejected rows as the quarantine holds them."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from jobs.load.columns.cut import read_rejected
from jobs.load.columns.delivery import Incoming
from schemas.ledger import QUARANTINE
from store.arrow import arrow_schema


def rejected_rows(item: Incoming) -> pa.Table:
    """All of a delivery; row numbers count within the file."""
    firsts, paths = np.array(item.first_rows(), dtype=np.int64), [p.file.path for p in item.pieces]
    tables = [_quarantined(item, table, firsts, paths) for table in read_rejected(item.rejected_files)]
    return pa.concat_tables(tables) if tables else arrow_schema(QUARANTINE).empty_table()


def _quarantined(item: Incoming, table: pa.Table, firsts: np.ndarray, paths: Sequence[str]) -> pa.Table:
    piece = table.column("piece").to_numpy()
    columns = [
        pa.array([item.day] * table.num_rows, pa.date32()),
        pa.array([item.dataset.name] * table.num_rows, pa.string()),
        pa.DictionaryArray.from_arrays(pa.array(piece), pa.array(paths, pa.string())).dictionary_decode(),
        pa.array(firsts[piece] + table.column("row").to_numpy() + 1),
        table.column("text"),
        table.column("reasons"),
    ]
    return pa.Table.from_arrays(columns, schema=arrow_schema(QUARANTINE))
