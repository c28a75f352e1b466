"""One delivered file of reference data: read, judged and typed."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.intake.judge import Intake, RawRow, Reference, take_in
from jobs.load.landing import LandedFile
from jobs.load.rows import read_file
from schemas.core import Dataset
from schemas.inputs import DATASETS
from schemas.ledger import TYPED
from store.arrow import to_arrow


@dataclass
class ParseTask:
    """A file, where its bytes are kept, and what its rows are judged by."""

    content: Path
    file: LandedFile
    reference: Reference


@dataclass
class Parsed:
    """What a worker made of one file."""

    file: LandedFile
    intake: Intake
    rows: int
    extra_columns: tuple[str, ...]


def parse_file(task: ParseTask) -> Parsed:
    """Read and judge one file. DataError when it is damaged or lacks a required column."""
    dataset = DATASETS[task.file.dataset]
    content = read_file(Path(), task.file.path, dataset, content=task.content)
    rows = _Counted(content.rows)
    intake = take_in(dataset, rows, task.reference, task.file.day)
    return Parsed(task.file, intake, rows.count, content.extra_columns)


class _Counted:
    """Rows, and how many there were."""

    def __init__(self, rows: Iterator[RawRow]) -> None:
        self._rows, self.count = rows, 0

    def __iter__(self) -> Iterator[RawRow]:
        for row in self._rows:
            self.count += 1
            yield row


def joined(parsed: Iterable[Parsed]) -> Intake:
    """The files of one delivery together."""
    whole = Intake()
    for p in parsed:
        whole.rows += p.intake.rows
        whole.origins += p.intake.origins
        whole.rejected += p.intake.rejected
    return whole


def typed_table(dataset: Dataset, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Accepted rows of a dataset of reference data as they stand in the ledger."""
    names = [f.name for f in dataset.fields]
    return to_arrow(TYPED[dataset.name], [dict(zip(names, row, strict=True)) for row in rows])
