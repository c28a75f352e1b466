"""Delivered files: read, judged and typed (in a worker)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from engine.intake import Intake, RawRow, Reference, take_in
from jobs.load.landing import LandedFile
from jobs.load.rows import read_file
from schemas.core import Dataset
from schemas.inputs import DATASETS
from schemas.ledger import BUCKETED, TYPED
from store.arrow import to_arrow
from store.buckets import account_bucket

_FILE_WEIGHT = 1 << 14  # what opening a file costs, in bytes of reading


@dataclass
class ParseTask:
    """Some files, and what their rows are judged by."""

    landing: str
    files: list[LandedFile]
    reference: Reference


@dataclass
class Parsed:
    """What a worker made of one file; `raw` is (row number, row as JSON text)."""

    file: LandedFile
    intake: Intake
    rows: int
    extra_columns: tuple[str, ...]
    raw: list[tuple[int, str]] = field(default_factory=list)


def parse_files(task: ParseTask) -> list[Parsed]:
    """Read and judge files one after the other.

    DataError when one is damaged or lacks a required column, ConflictError when it is not what was hashed.
    """
    return [_parse_file(Path(task.landing), file, task.reference) for file in task.files]


def _parse_file(landing: Path, file: LandedFile, reference: Reference) -> Parsed:
    dataset = DATASETS[file.dataset]
    content = read_file(landing, file.path, dataset, file.sha256)
    raw: list[tuple[int, str]] = []
    intake = take_in(dataset, _noted(content.rows, raw), reference, file.day)
    return Parsed(file, intake, len(raw), content.extra_columns, raw)


def _noted(rows: Iterable[RawRow], raw: list[tuple[int, str]]) -> Iterator[RawRow]:
    for row in rows:
        raw.append((row.number, row.text))
        yield row


def shared_out(files: Sequence[LandedFile], groups: int) -> list[list[LandedFile]]:
    """Files in at most so many groups of about equal weight: tasks follow the cores, not the files."""
    weights = [0] * max(1, min(groups, len(files)))
    shares: list[list[LandedFile]] = [[] for _ in weights]
    for file in sorted(files, key=lambda f: (-f.size, f)):
        lightest = weights.index(min(weights))
        weights[lightest] += file.size + _FILE_WEIGHT
        shares[lightest].append(file)
    return [share for share in shares if share]


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
