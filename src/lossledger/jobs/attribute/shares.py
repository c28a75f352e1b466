"""What the tasks of netting do: cut fills into shares by hashes of their trades' ids, and net a share."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lossledger.jobs.attribute.sides import SCHEMA, Sides, by_trade, hashes_of, may_not_net, sides_of
from lossledger.jobs.replay.source import BucketTask
from lossledger.store.places import fetched, place, written

_PART = 1 << 20  # rows that are cut at once
FILLS = pa.schema(
    [
        *(("instrument_id", pa.string()), ("trade_id", pa.string()), ("side", pa.string())),
        ("quantity", pa.decimal128(38, 18)),
    ]
)
_CODED = ("instrument_id", "side")

Ranges = dict[int, tuple[str, str]]  # by length, the first and the last id


@dataclass(frozen=True)
class FillsTask:
    """Every `of`-th file of the session's fills from `number` on; or, with `earlier`, of all that a filter finds."""

    inputs: BucketTask
    folder: str  # of what is written
    number: int
    of: int
    shares: int
    candidates: Sequence[str] = ()
    earlier: Any = None  # a filter

    def batches(self) -> Iterator[pa.RecordBatch]:
        every = (self.number, self.of)
        if self.earlier is None:
            return self.inputs.event_batches("fills", FILLS.names, _CODED, every=every)
        fills = self.inputs.sources["fills"]
        return fills.batches(None, FILLS.names, self.earlier, _CODED, every=every)


class Cut(NamedTuple):
    """The files that a task has written, a record batch a share; and its ids' ranges."""

    files: list[str]
    ranges: Ranges


class Netted(NamedTuple):
    """Trades of a share with one side and with more, and a file of hashes of those that may not net, or empty."""

    one_sided: int
    many_sided: int
    candidates: str


def cut_fills(task: FillsTask) -> Cut:
    """Write the fills' sides, cut by share."""
    files: list[str] = []
    ranges: Ranges = {}
    for batch in _together(task.batches()):
        if task.earlier is None:
            _widen(ranges, batch.column("trade_id"))
        files.append(f"{task.folder}/sides-{task.number}-{len(files)}.arrow")
        _write_shares(sides_of(batch), task.shares, files[-1])
    return Cut(files, ranges)


def _together(found: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows, in batches of some size."""
    held: list[pa.RecordBatch] = []
    for batch in found:
        held.append(batch)
        if sum(b.num_rows for b in held) >= _PART:
            yield _one(held)
            held = []
    if held:
        yield _one(held)


def _one(held: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    [batch] = pa.Table.from_batches(held).unify_dictionaries().combine_chunks().to_batches()
    return batch


def _widen(ranges: Ranges, ids: pa.Array) -> None:
    lengths = pc.binary_length(ids)
    for length in pc.unique(lengths).to_pylist():
        found = pc.min_max(ids.filter(pc.equal(lengths, length))).as_py()
        first, last = ranges.get(length, (found["min"], found["max"]))
        ranges[length] = (min(first, found["min"]), max(last, found["max"]))


def merged(ranges: Iterable[Ranges]) -> list[tuple[str, str]]:
    """The ranges of all tasks, in order of length."""
    found: Ranges = {}
    for some in ranges:
        for length, (first, last) in some.items():
            before = found.get(length, (first, last))
            found[length] = (min(first, before[0]), max(last, before[1]))
    return [found[length] for length in sorted(found)]


def _write_shares(sides: Sides, shares: int, path: str) -> None:
    share = (sides.first % np.uint64(shares)).astype(np.uint16)
    order = np.argsort(share, kind="stable")  # radix
    edges = np.searchsorted(share[order], np.arange(shares + 1))
    columns = [pa.array(column[order]) for column in sides]
    batch = pa.record_batch(columns, schema=SCHEMA)
    _write(SCHEMA, [batch.slice(edges[n], edges[n + 1] - edges[n]) for n in range(shares)], path)


def _write(schema: pa.Schema, parts: Sequence[pa.RecordBatch], path: str) -> None:
    with (
        written(place(path)) as file,
        pa.OSFile(str(file), "wb") as sink,
        pa.ipc.new_file(sink, schema) as writer,
    ):
        for part in parts:
            writer.write_batch(part)


@dataclass(frozen=True)
class ShareTask:
    """A share of the files of `cut_fills`; trades of which a side is in `earlier` have been netted before."""

    files: Sequence[str]
    earlier: Sequence[str]
    share: int
    out: str


def net_share(task: ShareTask) -> Netted:
    """Count the trades of a share."""
    parts = [_read(path, task.share) for path in (*task.files, *task.earlier)]
    sides = Sides(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    if not len(sides.first):
        return Netted(0, 0, "")
    known = np.zeros(len(sides.first), bool)
    known[sum(len(part.first) for part in parts[: len(task.files)]) :] = True
    order, starts = by_trade(sides.first, sides.second)
    counts = np.diff(np.r_[starts, len(order)])
    new = ~np.logical_or.reduceat(known[order], starts)
    maybe = new & (counts > 1) & may_not_net(sides, order, starts)
    if maybe.any():
        with written(place(task.out)) as file:
            np.save(file, np.unique(sides.first[order][starts][maybe]))
    one, many = int((new & (counts == 1)).sum()), int((new & (counts > 1)).sum())
    return Netted(one, many, task.out if maybe.any() else "")


def _read(path: str, share: int) -> Sides:
    """One share of a file: of one in a store only that is brought here."""
    where = place(path)
    if isinstance(where, Path):
        opened = pa.memory_map(str(where))
    else:
        opened = pa.PythonFile(where.open(buffered=False), mode="r")
    with opened as file:
        batch = pa.ipc.open_file(file).get_batch(share)
        return Sides(*(column.to_numpy().copy() for column in batch.columns))


def rows_of_candidates(task: FillsTask) -> list[str]:
    """Write the fills whose trades may not net, and maybe some others."""
    wanted = np.unique(np.concatenate([_load(path) for path in task.candidates]))
    files: list[str] = []
    for batch in _together(task.batches()):
        first, _ = hashes_of(batch)
        at = np.minimum(np.searchsorted(wanted, first), len(wanted) - 1)
        found = pa.Table.from_batches([batch.filter(pa.array(wanted[at] == first))])
        if found.num_rows:
            files.append(f"{task.folder}/fills-{task.number}-{len(files)}.arrow")
            _write(FILLS, found.cast(FILLS).to_batches(), files[-1])
    return files


def fills_in(files: Sequence[Path]) -> pa.RecordBatchReader:
    """The fills of `rows_of_candidates`, as a stream."""
    found = ds.dataset([str(path) for path in files], schema=FILLS, format="ipc")
    return found.scanner().to_reader()


def _load(path: str) -> np.ndarray:
    with fetched(place(path)) as file:
        hashes: np.ndarray = np.load(file)
    return hashes
