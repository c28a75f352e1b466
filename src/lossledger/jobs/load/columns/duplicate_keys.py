"""Finds repeated keys by their hashes, over all buckets and earlier dates, and settles them by the rules of inputs.md.

Of the rows with one key the first in order of file path and row number is kept. An identical row is a duplicate, a
different one a conflict. A key of an earlier date is always a conflict: the times of the two rows differ. Of states
the last row is kept, and the others are superseded.

However many rows repeat a key, memory holds the rows that are kept of some keys, and a piece of the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.intake.keys import CONFLICT
from lossledger.jobs.load.columns.compact_types import expand
from lossledger.jobs.load.columns.part_layout import ROW_BITS, ROW_MASK, id_field
from lossledger.jobs.load.columns.pass1_partition import REJECTED, MappedPart
from lossledger.jobs.load.columns.splits import SourceFile
from lossledger.jobs.load.file_reader import read_file
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import TYPED
from lossledger.store.key_hashes import holds
from lossledger.store.ledger_ids import ids_before
from lossledger.store.places import fetched, place, written

_KEYS = 1 << 19  # repeated hashes that are decided on together
_PIECE = 1 << 17  # rows that are compared at a time
_TEXTS = 1 << 14  # rejected rows that are written at a time


@dataclass(frozen=True)
class KeyHashTask:
    """One of `shares` equal ranges of the hashes. `history`: sorted hashes of earlier dates; `out`: of this one."""

    parts: Sequence[str]
    share: int
    shares: int
    history: Sequence[str]
    out: str
    repeated: str


class HashResult(NamedTuple):
    """`repeated`: the file of hashes to examine, empty when there are none; `earlier`: those of earlier dates."""

    repeated: str
    earlier: int


def repeated_hashes(task: KeyHashTask) -> HashResult:
    """Write the sorted hashes of the date's keys, and those that are repeated or belong to an earlier date."""
    hashes = _sorted_hashes(task)
    again = np.zeros(len(hashes), dtype=bool)
    again[1:] = hashes[1:] == hashes[:-1]
    twice = np.unique(hashes[again & ~np.roll(again, 1)])  # each once: a flood of one key is one hash
    if len(twice):
        hashes = hashes[~again]
    before = holds(task.history, hashes)
    if task.out:
        _save(task.out, hashes)
    if not len(twice) and not len(before):
        return HashResult("", 0)
    _save(task.repeated, np.union1d(twice, before))
    return HashResult(task.repeated, len(before))


def _sorted_hashes(task: KeyHashTask) -> np.ndarray:
    """The hashes of all parts that are in the task's range."""
    first, last = (-(-(share << 64) // task.shares) for share in (task.share, task.share + 1))
    parts = [MappedPart(path) for path in task.parts]
    columns = [chunk.to_numpy() for part in parts for chunk in part.rows.column("key_hash").chunks]
    found, count = np.empty(sum(map(len, columns)), np.uint64), 0  # memory that is not written takes no room
    for column in columns:
        mine = column[(column >= first) & (column <= last - 1)]
        found[count : count + len(mine)] = mine
        count += len(mine)
    for part in parts:
        part.forget()
    found[:count].sort()
    return found[:count]


def _save(path: str, values: np.ndarray) -> None:
    with written(place(path)) as file:
        np.save(file, values)


def _load(path: str) -> np.ndarray:
    with fetched(place(path)) as file:
        found: np.ndarray = np.load(file)
    return found


@dataclass(frozen=True)
class SettleTask:
    """Rows of some repeated hashes. `first_rows`: per piece, the number of rows of its file before it.

    `ledger`: the table with the keys of earlier dates, empty when none of their hashes is repeated.
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
    superseded: int
    conflicts: int


def settle_duplicates(task: SettleTask) -> SettleResult:
    """Decide on every row whose key may be repeated."""
    repeated, found = _load(task.repeated), _Dropped()
    for first in range(0, len(repeated), _KEYS):
        _Keys(task, repeated[first : first + _KEYS]).decide(found)
    conflict = _sorted_places(found.conflicts)
    ignored = sum(map(len, found.ignored))
    _save(task.dropped, _sorted_places([*found.ignored, conflict]))
    if len(conflict):
        _write_rejected(task, conflict)
    superseded = ignored if DATASETS[task.dataset].states else 0
    rejected = task.rejected if len(conflict) else ""
    return SettleResult(task.dropped, rejected, ignored - superseded, superseded, len(conflict))


@dataclass
class _Dropped:
    """Places of the rows that are not kept: duplicates or superseded states, and conflicts."""

    ignored: list[np.ndarray] = field(default_factory=list)
    conflicts: list[np.ndarray] = field(default_factory=list)


def _sorted_places(parts: Sequence[np.ndarray]) -> np.ndarray:
    places = np.concatenate([np.empty(0, np.int64), *parts])
    places.sort()
    return places


class _Keys:
    """The rows of some repeated hashes; one row of each key is kept. Two keys with one hash are rare."""

    def __init__(self, task: SettleTask, hashes: np.ndarray) -> None:
        self.task, self.hashes, self.key = task, hashes, _key_columns(task.dataset)
        self.states = DATASETS[task.dataset].states
        self.kept_place = np.full(len(hashes), -1 if self.states else np.iinfo(np.int64).max)
        self.found = [(path, *self._find(path)) for path in task.parts]

    def _find(self, path: str) -> tuple[np.ndarray, np.ndarray]:
        """The rows of a part that have one of the hashes, and the index of that hash."""
        part = MappedPart(path)
        hashes, places = (part.rows.column(name).to_numpy() for name in ("key_hash", "place"))
        rows = np.flatnonzero((hashes >= self.hashes[0]) & (hashes <= self.hashes[-1])).astype(np.int32)
        at = np.searchsorted(self.hashes, hashes[rows]).astype(np.int32)
        mine = self.hashes[at] == hashes[rows]
        rows, at = rows[mine], at[mine]
        (np.maximum if self.states else np.minimum).at(self.kept_place, at, places[rows])
        part.forget()
        return rows, at

    def _pieces(self) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """The rows, expanded, each with the index of its hash."""
        for path, rows, at in self.found:
            part = MappedPart(path)
            for first in range(0, len(rows), _PIECE):
                some = slice(first, first + _PIECE)
                yield _rows_of(part, rows[some]), at[some]
            part.forget()

    def decide(self, into: _Dropped) -> None:
        """Add the rows that are not kept to `into`."""
        kept = self._kept_rows()
        known = self._of_earlier_dates(kept.column(self.key[0]))
        collided = np.zeros(len(self.hashes), dtype=bool)
        found = _Dropped()
        for rows, at in self._pieces():
            beside, places = kept.take(pa.array(at)), rows.column("place").to_numpy()
            collided[at[~_same(rows, beside, self.key)]] = True
            others, conflict = places != self.kept_place[at], known[at]
            if not self.states:
                rest = [name for name in rows.column_names[1:] if name not in self.key]
                conflict = conflict | (others & ~_same(rows, beside, rest))
            found.ignored.append(places[others & ~conflict])
            found.conflicts.append(places[conflict])
        if collided.any():
            if not collided.all():
                _Keys(self.task, self.hashes[~collided]).decide(into)
            _Keys(self.task, self.hashes[collided]).decide_one_by_one(into)
            return
        into.ignored += found.ignored
        into.conflicts += found.conflicts

    def _kept_rows(self) -> pa.Table:
        """In order of the hashes."""
        tables, numbers = [], []
        for path, rows, at in self.found:
            part = MappedPart(path)
            kept = part.rows.column("place").to_numpy()[rows] == self.kept_place[at]
            tables.append(_rows_of(part, rows[kept]))
            numbers.append(at[kept])
            part.forget()
        return pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(numbers)))).combine_chunks()

    def _of_earlier_dates(self, ids: pa.ChunkedArray) -> np.ndarray:
        """Marks the keys that the ledger has under an earlier date."""
        name = id_field(DATASETS[self.task.dataset])
        if not self.task.ledger or not name:
            return np.zeros(len(ids), dtype=bool)
        taken = ids_before(self.task.ledger, TYPED[self.task.dataset], name, self.task.day, ids)
        found: np.ndarray = pc.is_in(ids, taken).to_numpy()
        return found

    def decide_one_by_one(self, into: _Dropped) -> None:
        """As `decide`, for keys that share a hash: row by row."""
        kept: dict[tuple[object, ...], dict[str, object]] = {}
        for key, row in self._one_by_one():
            held = kept.setdefault(key, row)
            if (row["place"] > held["place"]) == self.states:
                kept[key] = row
        ids = pa.chunked_array([pa.array([key[0] for key in kept])])
        known = {key for key, is_known in zip(kept, self._of_earlier_dates(ids), strict=True) if is_known}
        ignored, conflicts = list[object](), list[object]()
        for key, row in self._one_by_one():
            held = kept[key]
            same = self.states or all(row[name] == held[name] for name in row if name != "place")
            if key in known or not same:
                conflicts.append(row["place"])
            elif row["place"] != held["place"]:
                ignored.append(row["place"])
        into.ignored.append(np.array(ignored, dtype=np.int64))
        into.conflicts.append(np.array(conflicts, dtype=np.int64))

    def _one_by_one(self) -> Iterator[tuple[tuple[object, ...], dict[str, Any]]]:
        for rows, _ in self._pieces():
            for row in rows.to_pylist():
                yield tuple(row[name] for name in self.key), row


def _rows_of(part: MappedPart, rows: np.ndarray) -> pa.Table:
    return expand(part.rows.take(pa.array(rows)))


def _key_columns(dataset: str) -> list[str]:
    """Columns of a part that make up the key; number and time are one column."""
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


def _write_rejected(task: SettleTask, conflict: np.ndarray) -> None:
    """Conflicts, by their sorted places, with their rows as delivered, read from their files once more."""
    found = _delivered(task, conflict)
    with (
        written(place(task.rejected)) as file,
        pa.OSFile(str(file), "wb") as sink,
        pa.ipc.new_file(sink, REJECTED) as writer,
    ):
        while some := list(islice(found, _TEXTS)):
            columns = [pa.array(c, t) for c, t in zip(zip(*some, strict=True), REJECTED.types, strict=True)]
            writer.write_table(pa.table(columns, schema=REJECTED))


def _delivered(task: SettleTask, conflict: np.ndarray) -> Iterator[tuple[int, int, str, str]]:
    """Piece, row in it, text and reason of each."""
    pieces = conflict >> ROW_BITS
    numbers = np.asarray(task.first_rows, dtype=np.int64)[pieces] + (conflict & ROW_MASK) + 1
    present = np.unique(pieces).tolist()  # pieces of a file follow one another
    for file, some in groupby(present, key=lambda piece: task.files[piece]):
        mine = list(some)
        first, last = np.searchsorted(pieces, [mine[0], mine[-1] + 1]).tolist()
        content = read_file(Path(), file.path, DATASETS[task.dataset], content=place(file.content))
        at = first
        for row in content.rows:
            if at < last and row.number == numbers[at]:
                yield int(pieces[at]), int(conflict[at] & ROW_MASK), row.text, CONFLICT
                at += 1
