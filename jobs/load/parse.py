"""One delivered file: read, judged and typed (in a worker)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.intake import Intake, Reference, take_in
from jobs.load.landing import LandedFile, read_file
from schemas.core import Dataset
from schemas.inputs import DATASETS
from schemas.ledger import BUCKETED, TYPED
from store.arrow import to_arrow
from store.buckets import account_bucket


@dataclass
class ParseTask:
    """A file, and what its rows are judged by."""

    landing: str
    file: LandedFile
    reference: Reference


@dataclass
class Parsed:
    """What a worker made of one file; `raw` is (row number, row as JSON text)."""

    file: LandedFile
    intake: Intake
    rows: int
    extra_columns: tuple[str, ...]
    raw: list[tuple[int, str]] = field(default_factory=list)


def parse_file(task: ParseTask) -> Parsed:
    """Read and judge one file. DataError when it is damaged or lacks a required column."""
    dataset = DATASETS[task.file.dataset]
    content = read_file(Path(task.landing), task.file.path, dataset)
    intake = take_in(dataset, content.rows, task.reference, task.file.day)
    raw = [(row.number, row.text) for row in content.rows]
    return Parsed(task.file, intake, len(content.rows), content.extra_columns, raw)


def joined(parsed: Iterable[Parsed]) -> Intake:
    """The files of one delivery together."""
    whole = Intake()
    for p in parsed:
        whole.rows += p.intake.rows
        whole.origins += p.intake.origins
        whole.rejected += p.intake.rejected
    return whole


def typed_table(dataset: Dataset, rows: Sequence[tuple[Any, ...]], day: date | None = None) -> pa.Table:
    """Accepted rows as they stand in the ledger; dated ones carry the folder's date."""
    names = [f.name for f in dataset.fields]
    full = [dict(zip(names, row, strict=True)) for row in rows]
    for row in full:
        if dataset.name in BUCKETED:
            row["account_bucket"] = account_bucket(row["account_id"])
    constants = {"event_date": day} if day else {}
    return to_arrow(TYPED[dataset.name], full, **constants)
