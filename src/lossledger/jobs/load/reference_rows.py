"""Delivered files of reference data: read, judged and typed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from lossledger.engine.intake.judge import Intake, RawRow, Reference, Rejected, take_in
from lossledger.jobs.load.columns.splits import SourceFile
from lossledger.jobs.load.file_reader import read_file
from lossledger.schemas.core import Dataset
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import to_arrow
from lossledger.store.places import place


class ReferenceRows(NamedTuple):
    """The result of reading a delivery of reference data: accepted rows, rejected rows, and counts.

    `rows` per file; `rejected` in order of file and row.
    """

    table: pa.Table
    rejected: list[Rejected]
    duplicates: int
    rows: list[int]
    extra: list[str]


def read_rows(
    dataset: Dataset, files: Sequence[SourceFile], reference: Reference
) -> tuple[Intake, list[int], list[str]]:
    """Files row by row as the judge decides, data rows by file, and unknown columns. DataError when one is damaged."""
    whole, counts, extra = Intake(), list[int](), list[str]()
    for file in files:
        content = read_file(Path(), file.path, dataset, content=place(file.content))
        rows = CountedRows(content.rows)
        intake = take_in(dataset, rows, reference)
        whole.rows += intake.rows
        whole.origins += intake.origins
        whole.rejected += intake.rejected
        counts.append(rows.count)
        extra += content.extra_columns
    return whole, counts, extra


class CountedRows:
    """Iterates rows and counts them."""

    def __init__(self, rows: Iterator[RawRow]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[RawRow]:
        for row in self._rows:
            self.count += 1
            yield row


def typed_table(dataset: Dataset, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Accepted rows of a dataset of reference data in the ledger's schema."""
    names = [f.name for f in dataset.fields]
    return to_arrow(TYPED[dataset.name], [dict(zip(names, row, strict=True)) for row in rows])
