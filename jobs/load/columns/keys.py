"""Repeated keys: found by their hashes, over all buckets and earlier dates; settled exactly as inputs.md says.

Of the rows with one key the first in order of file path and row number is kept. An identical row is a duplicate, a
different one a conflict. A key of an earlier date is always a conflict: the times of the two rows differ.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.intake.keys import CONFLICT
from jobs.load.columns.cut import REJECTED, Part, write_arrow
from jobs.load.columns.layout import ROW_BITS, ROW_MASK, id_field
from jobs.load.columns.radix import sorted_between
from jobs.load.columns.slim import full
from jobs.load.columns.splits import SourceFile
from jobs.load.rows import read_file
from schemas.inputs import DATASETS
from schemas.ledger import TYPED
from store.key_hashes import holds
from store.ledger_ids import ids_before
from store.places import fetched, place, written

SHARE = 16_000_000  # hashes of a task


@dataclass(frozen=True)
class HashTask:
    """One of `shares` equal ranges of the hashes. `history`: sorted hashes of earlier dates; `out`: of this one."""

    parts: Sequence[str]
    share: int
    shares: int
    history: Sequence[str]
    out: str
    repeated: str


class HashResult(NamedTuple):
    """`repeated` is the name of a file of the hashes that are worth a look, empty when there are none."""

    repeated: str
    earlier: int


def repeated_hashes(task: HashTask) -> HashResult:
    """Write the sorted hashes of the date's keys, and those that stand twice or in an earlier date."""
    columns = [Part(path).rows.column("key_hash") for path in task.parts]
    parts = [chunk.to_numpy() for column in columns for chunk in column.chunks]
    low, high = (-(-(share << 64) // task.shares) for share in (task.share, task.share + 1))
    hashes = sorted_between(parts, low, high - 1)
    twice = np.unique(hashes[1:][hashes[1:] == hashes[:-1]])
    before = holds(task.history, hashes)
    if task.out:
        _save(task.out, hashes)
    if not len(twice) and not len(before):
        return HashResult("", 0)
    _save(task.repeated, np.union1d(twice, before))
    return HashResult(task.repeated, len(before))


def _save(path: str, values: np.ndarray) -> None:
    with written(place(path)) as file:
        np.save(file, values)


def _load(path: str) -> np.ndarray:
    with fetched(place(path)) as file:
        found: np.ndarray = np.load(file)
    return found


@dataclass(frozen=True)
class SettleTask:
    """Rows of some repeated hashes. `first_rows`: per piece, how many rows of its file stand before it.

    `ledger` is the table where the keys of earlier dates are looked up, empty when no hash of them is repeated.
    """

    dataset: str
    day: date
    parts: Sequence[str]
    repeated: str
    files: Sequence[SourceFile]  # per piece
    first_rows: Sequence[int]
    ledger: str
    dropped: str
    rejected: str


class SettleResult(NamedTuple):
    """Names of files, and how many rows are dropped for which reason."""

    dropped: str
    rejected: str
    duplicates: int
    conflicts: int


def settle(task: SettleTask) -> SettleResult:
    """Decide on every row whose key may stand twice."""
    rows = _rows_of(task.parts, _load(task.repeated))
    name = id_field(DATASETS[task.dataset])
    taken = pa.array([], pa.string())
    if task.ledger and name:
        taken = ids_before(task.ledger, TYPED[task.dataset], name, task.day, rows.column(name))
    known = pc.is_in(rows.column(name), taken).to_numpy() if len(taken) else np.zeros(rows.num_rows, bool)
    duplicate, conflict = _compare(rows.filter(pa.array(~known)), task.dataset)
    conflict = np.sort(np.concatenate([conflict, rows.column("place").to_numpy()[known]]))
    _save(task.dropped, np.sort(np.concatenate([duplicate, conflict])))
    if len(conflict):
        write_arrow(_rejected(task, conflict), task.rejected)
    return SettleResult(task.dropped, task.rejected if len(conflict) else "", len(duplicate), len(conflict))


def _rows_of(parts: Sequence[str], repeated: np.ndarray) -> pa.Table:
    """All rows with these hashes, in order of hash, file and row."""
    tables = []
    for path in parts:
        table = Part(path).rows
        hashes = table.column("key_hash").to_numpy()
        at = np.minimum(np.searchsorted(repeated, hashes), len(repeated) - 1)
        table = table.replace_schema_metadata(None)
        tables.append(full(table.take(pa.array(np.flatnonzero(repeated[at] == hashes)))))
    rows = pa.concat_tables(tables).combine_chunks()
    order = np.lexsort((rows.column("place").to_numpy(), rows.column("key_hash").to_numpy()))
    return rows.take(pa.array(order)).combine_chunks()


def _compare(rows: pa.Table, dataset: str) -> tuple[np.ndarray, np.ndarray]:
    """Places of duplicates and of conflicts."""
    places, hashes = rows.column("place").to_numpy(), rows.column("key_hash").to_numpy()
    starts = np.flatnonzero(np.r_[True, hashes[1:] != hashes[:-1]]) if len(hashes) else np.empty(0, int)
    first = np.repeat(starts, np.diff(np.r_[starts, len(hashes)])).astype(np.int64)
    firsts = rows.take(pa.array(first))
    key = _key_columns(dataset)
    same_key = _same(rows, firsts, key)
    same = same_key & _same(rows, firsts, [n for n in rows.column_names[1:] if n not in key])
    itself = first == np.arange(len(first))
    collided = np.isin(first, first[~same_key])  # two keys with one hash: rare, and looked at one by one
    clear = ~itself & ~collided
    more = _one_by_one(rows.filter(pa.array(collided)), key)
    duplicate = [*places[clear & same].tolist(), *more[0]]
    conflict = [*places[clear & ~same].tolist(), *more[1]]
    return np.array(duplicate, dtype=np.int64), np.array(conflict, dtype=np.int64)


def _key_columns(dataset: str) -> list[str]:
    """Number and time are one column of the cut."""
    name = id_field(DATASETS[dataset])
    if name:
        return [name]
    stored = ("currency",) if dataset in ("venue_account_balances", "venue_liquidations") else ()
    return ["sort_key", *stored]


def _same(left: pa.Table, right: pa.Table, names: Sequence[str]) -> np.ndarray:
    same = np.ones(left.num_rows, dtype=bool)
    for name in names:
        a, b = left.column(name), right.column(name)
        equal = pc.fill_null(pc.equal(a, b), False)
        same &= pc.or_(equal, pc.and_(pc.is_null(a), pc.is_null(b))).to_numpy()
    return same


def _one_by_one(rows: pa.Table, key: Sequence[str]) -> tuple[list[int], list[int]]:
    first: dict[tuple[object, ...], dict[str, object]] = {}
    duplicate: list[int] = []
    conflict: list[int] = []
    for row in sorted(rows.to_pylist(), key=lambda row: row["place"]):
        place = row.pop("place")
        kept = first.setdefault(tuple(row[name] for name in key), row)
        if kept is not row:
            (duplicate if kept == row else conflict).append(place)
    return duplicate, conflict


def _rejected(task: SettleTask, conflict: np.ndarray) -> pa.Table:
    """Conflicts with their rows as delivered, read from their files once more."""
    wanted: defaultdict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    first_piece = {file: number for number, file in reversed(list(enumerate(task.files)))}
    for at in conflict.tolist():
        piece, row = at >> ROW_BITS, at & ROW_MASK
        wanted[first_piece[task.files[piece]]][task.first_rows[piece] + row + 1] = (piece, row)
    found = []
    for number in sorted(wanted):
        file, rows = task.files[number], wanted[number]
        for delivered in read_file(
            Path(), file.path, DATASETS[task.dataset], content=place(file.content)
        ).rows:
            if delivered.number in rows:
                found.append((*rows[delivered.number], delivered.text, CONFLICT))
    columns = [pa.array(c, t) for c, t in zip(zip(*found, strict=True), REJECTED.types, strict=True)]
    return pa.table(columns, schema=REJECTED)
