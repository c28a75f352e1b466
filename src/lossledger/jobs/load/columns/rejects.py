"""Tasks that write rejected rows as files of the quarantine; no process holds all of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from lossledger.jobs.load.columns.load_stages import IncomingDelivery
from lossledger.jobs.load.columns.pass1_partition import read_rejected
from lossledger.jobs.load.columns.pass2_sort import WrittenFile
from lossledger.schemas.ledger import QUARANTINE
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import Copies, Place, place, written

_FILES = 8  # of rejected rows, in a task
_SCHEMA = pa.schema([f for f in arrow_schema(QUARANTINE) if f.name != QUARANTINE.partition])


@dataclass(frozen=True)
class RejectTask:
    """Files of rejected rows. `paths`, `first_rows`: per piece, its file and the number of rows before it."""

    dataset: str
    rejected: Sequence[str]
    paths: Sequence[str]
    first_rows: Sequence[int]
    out: str


@dataclass(frozen=True)
class RetainTask:
    """Keeps the rows of other datasets in the quarantine of a date."""

    stored: Sequence[Place]
    replaced: Sequence[str]
    out: str


def reject_tasks(item: IncomingDelivery, outs: Iterator[str]) -> list[RejectTask]:
    """The tasks of a delivery; `outs` names their files."""
    files, paths, firsts = item.rejected_files, [p.file.path for p in item.pieces], item.first_rows()
    return [
        RejectTask(item.dataset.name, files[first : first + _FILES], paths, firsts, next(outs))
        for first in range(0, len(files), _FILES)
    ]


def write_rejected(task: RejectTask) -> WrittenFile:
    """A file of the quarantine."""
    return _written(quarantined(task), task.out)


def quarantined(task: RejectTask) -> Iterator[pa.Table]:
    """Rejected rows in the quarantine's schema; row numbers count within the file."""
    firsts, paths = np.array(task.first_rows, dtype=np.int64), pa.array(task.paths, pa.string())
    for table in _batches(task.rejected):
        piece = table.column("piece").to_numpy()
        columns: list[Any] = [
            pa.repeat(pa.scalar(task.dataset), table.num_rows),
            paths.take(pa.array(piece)),
            pa.array(firsts[piece] + table.column("row").to_numpy() + 1),
            table.column("text"),
            table.column("reasons"),
        ]
        yield pa.Table.from_arrays(columns, schema=_SCHEMA)


def _batches(rejected: Sequence[str]) -> Iterator[pa.Table]:
    for table in read_rejected(rejected):
        for batch in table.to_batches():
            yield pa.Table.from_batches([batch])


def write_retained(task: RetainTask) -> WrittenFile:
    """Write the rows that stay to a new file."""
    others = ~pc.field("dataset").isin(list(task.replaced))
    with Copies() as copies:
        batches = ds.dataset(list(map(str, copies.of(task.stored))), schema=_SCHEMA).to_batches(filter=others)
        return _written((pa.Table.from_batches([b]) for b in batches if b.num_rows), task.out)


def replaced_rows(stored: Sequence[Place], datasets: Sequence[str]) -> int:
    """The number of rows of these datasets in the quarantine."""
    if not stored:
        return 0
    mine = pc.field("dataset").isin(list(datasets))
    with Copies() as copies:
        return int(ds.dataset(list(map(str, copies.of(stored))), schema=_SCHEMA).count_rows(filter=mine))


def _written(tables: Iterator[pa.Table], out: str) -> WrittenFile:
    filled = (table for table in tables if table.num_rows)
    first = next(filled, None)
    if first is None:
        return WrittenFile("", 0, "")
    rows = 0
    with (
        written(place(out)) as file,
        pq.ParquetWriter(
            file, _SCHEMA, compression="zstd", compression_level=1, store_schema=False
        ) as writer,
    ):
        for table in chain([first], filled):
            writer.write_table(table)
            rows += table.num_rows
    return WrittenFile(out, rows, f'{{"numRecords": {rows}}}')
