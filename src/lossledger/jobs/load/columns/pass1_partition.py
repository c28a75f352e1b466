"""Pass 1 validates pieces of a delivery and writes the accepted rows partitioned by bucket."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from mmap import ACCESS_READ, MADV_DONTNEED, mmap
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.intake.judge import Judge, RawRow
from lossledger.jobs.load.columns.compact_types import compact, expand
from lossledger.jobs.load.columns.part_layout import ROW_BITS, bucket_of, rows_batch
from lossledger.jobs.load.columns.radix import order_of
from lossledger.jobs.load.columns.splits import Piece
from lossledger.jobs.load.columns.validation_context import ValidationContext, read_context
from lossledger.jobs.load.file_reader import read_file
from lossledger.schemas.core import Dataset
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import BUCKETS
from lossledger.store.places import Place, fetched, place, scratch, written
from lossledger.store.thresholds import PART_BYTES, PART_ROWS, PRESORT_FROM_ROWS

_JUDGED_ROWS = 1 << 14  # that the judge has accepted and that wait to become columns
EDGES = b"edges"
REJECTED = pa.schema(
    [("piece", pa.int64()), ("row", pa.int64()), ("text", pa.string()), ("reasons", pa.string())]
)


@dataclass(frozen=True)
class PartitionTask:
    """Pieces to validate. The parts go to `folder`, under names that begin with `name`.

    `columns`: accept plainly good rows at once; else the reference judge decides every row.
    """

    dataset: str
    day: date
    pieces: Sequence[Piece]
    context: str
    folder: str
    name: str
    columns: bool = True


class PieceRows(NamedTuple):
    """Counts of a piece. `plain` is False when the reference reader must read the whole file."""

    number: int
    rows: int
    rejected: int
    found: tuple[str, ...]
    extra: tuple[str, ...]
    plain: bool = True


@dataclass
class PartitionResult:
    """Names of files and counts, never rows."""

    pieces: list[PieceRows] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    rejected: list[str] = field(default_factory=list)
    rows: int = 0


def partition(task: PartitionTask) -> PartitionResult:
    """Validate the pieces; write accepted and rejected rows. DataError when a file is damaged."""
    writer = _Writer(task, DATASETS[task.dataset], read_context(task.context))
    for piece in task.pieces:
        writer.flush_if(PART_ROWS // 2)
        before = writer.mark()
        counts = _by_columns(task, writer, piece) if task.columns else _by_rows(task, writer, piece)
        if not counts.plain:
            writer.back_to(before, piece.number)
            if piece.is_whole:
                counts = _by_rows(task, writer, piece)
        writer.result.pieces.append(counts)
    writer.flush()
    return writer.result


def _by_columns(task: PartitionTask, writer: "_Writer", piece: Piece) -> PieceRows:
    from lossledger.jobs.load.columns.column_judge import ColumnJudge
    from lossledger.jobs.load.columns.column_reader import NotPlain, PieceColumns, read_piece

    dataset, columns, rows = writer.dataset, PieceColumns(), 0
    fast = ColumnJudge(dataset, writer.context, task.day)
    before = writer.rejections
    try:
        for batch in read_piece(dataset, piece, columns):
            judged = fast.judge(batch.sources, batch.odd, piece.number, rows)
            writer.take(judged.batch)
            left = np.flatnonzero(judged.good == 0)
            if len(left):
                for at, row in zip(left.tolist(), _delivered(batch, left), strict=True):
                    writer.judge(piece, rows + at, RawRow(piece.file.path, 0, *row))
            rows += len(batch.odd)
    except NotPlain:
        return PieceRows(piece.number, 0, 0, (), (), False)
    writer.settle()
    if piece.is_whole and rows and not set(dataset.required_columns) <= columns.found:
        return PieceRows(piece.number, 0, 0, (), (), False)
    found, extra = tuple(sorted(columns.found)), tuple(sorted(columns.extra))
    return PieceRows(piece.number, rows, writer.rejections - before, found, extra)


def _delivered(batch: Any, left: np.ndarray) -> Any:
    from lossledger.jobs.load.columns.column_reader import DAMAGE, NotPlain

    try:
        return batch.deliver(left)
    except DAMAGE as error:
        raise NotPlain(str(error)) from error


def _by_rows(task: PartitionTask, writer: "_Writer", piece: Piece) -> PieceRows:
    """Read and judge the whole file row by row, by the reference."""
    content = read_file(Path(), piece.file.path, writer.dataset, content=place(piece.file.content))
    before, rows = writer.rejections, 0
    for row in content.rows:
        writer.judge(piece, row.number - 1, row)
        rows += 1
    writer.settle()
    found = tuple(writer.dataset.required_columns)
    return PieceRows(piece.number, rows, writer.rejections - before, found, content.extra_columns)


class _Writer:
    """Collects accepted and rejected rows and writes them in parts of bounded size."""

    def __init__(self, task: PartitionTask, dataset: Dataset, context: ValidationContext) -> None:
        self.task, self.dataset, self.context = task, dataset, context
        self.result, self.rejections = PartitionResult(), 0
        self._referee = Judge(dataset, context.reference, task.day)
        self._names = [f.name for f in dataset.fields]
        self._batches: list[pa.RecordBatch] = []
        self._rows = self._bytes = 0
        self._judged: tuple[list[int], list[tuple[Any, ...]]] = ([], [])
        self._rejected: list[tuple[int, int, str, str]] = []
        self._rejected_bytes = self._written = 0

    def take(self, batch: pa.RecordBatch) -> None:
        if batch.num_rows:
            self._batches.append(batch)
            self._rows += batch.num_rows
            self._bytes += batch.nbytes
        self.flush_if(PART_ROWS)

    def judge(self, piece: Piece, row: int, item: RawRow) -> None:
        """Let the reference judge decide. `row` counts from 0."""
        typed, reasons = self._referee.decide(item)
        if reasons:
            self._rejected.append((piece.number, row, item.text, "; ".join(reasons)))
            self._rejected_bytes += len(item.text)
            self.rejections += 1
            if self._rejected_bytes > PART_BYTES // 8 or len(self._rejected) > PART_ROWS // 8:
                self._write_rejected()
            return
        self._judged[0].append(piece.number << ROW_BITS | row)
        self._judged[1].append(tuple(typed[name] for name in self._names))
        if len(self._judged[0]) >= _JUDGED_ROWS:
            self.settle()

    def settle(self) -> None:
        """Turn the rows that the judge has accepted into columns."""
        places, rows = self._judged
        self._judged = ([], [])
        if rows:
            self.take(rows_batch(self.dataset, self.context, self.task.day, places, rows))

    def mark(self) -> tuple[int, int, int, int, int]:
        """The position before a piece, for `back_to`."""
        result = self.result
        return (
            len(self._batches),
            len(self._rejected),
            len(result.parts),
            len(result.rejected),
            self.rejections,
        )

    def back_to(self, mark: tuple[int, int, int, int, int], number: int) -> None:
        """Drop the rows of the last piece, written ones included."""
        batches, rejected, parts, rejected_parts, self.rejections = mark
        self._judged = ([], [])
        written, refused = self.result.parts[parts:], self.result.rejected[rejected_parts:]
        del self._batches[0 if written else batches :], self._rejected[0 if refused else rejected :]
        self._rows = sum(b.num_rows for b in self._batches)
        self._bytes = sum(b.nbytes for b in self._batches)
        for path in written:
            table, _ = read_part(path)
            self.result.rows -= table.num_rows
            self.result.parts.remove(path)
            kept = table.filter(pc.not_equal(pc.shift_right(table.column("place"), ROW_BITS), number))
            if kept.num_rows:
                self._batches += kept.replace_schema_metadata(None).combine_chunks().to_batches()
                self._rows += kept.num_rows
        for path in refused:
            [table] = read_rejected([path])
            self.result.rejected.remove(path)
            kept = table.filter(pc.not_equal(table.column("piece"), number))
            self._rejected += [tuple(row.values()) for row in kept.to_pylist()]

    def flush_if(self, rows: int) -> None:
        if self._rows >= rows or self._bytes >= PART_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write the rows collected so far."""
        self.settle()
        if self._batches:
            table = pa.Table.from_batches(self._batches)
            self._batches, self._rows, self._bytes = [], 0, 0
            path = f"{self.task.folder}/{self.task.name}-{self._next()}.arrow"
            write_part(self.dataset, self.context, table, path)
            self.result.parts.append(path)
            self.result.rows += table.num_rows
        if self._rejected:
            self._write_rejected()

    def _next(self) -> int:
        self._written += 1
        return self._written

    def _write_rejected(self) -> None:
        path = f"{self.task.folder}/{self.task.name}-rejected-{self._next()}.arrow"
        columns = [
            pa.array(c, t) for c, t in zip(zip(*self._rejected, strict=True), REJECTED.types, strict=True)
        ]
        write_arrow(pa.table(columns, schema=REJECTED), path)
        self.result.rejected.append(path)
        self._rejected, self._rejected_bytes = [], 0


def write_part(dataset: Dataset, context: ValidationContext, table: pa.Table, path: str) -> None:
    """Write rows sorted by bucket, in a large bucket also by the sort key; the metadata has the buckets' edges."""
    keys = table.column("sort_key").to_numpy()
    bucket = bucket_of(dataset, context, keys)
    order = np.argsort(bucket, kind="stable")  # radix: buckets are 16 bits
    edges = np.searchsorted(bucket[order], np.arange(BUCKETS + 1))
    for heavy in np.flatnonzero(np.diff(edges) >= PRESORT_FROM_ROWS).tolist():
        mine = order[edges[heavy] : edges[heavy + 1]]
        mine[:] = mine[order_of(keys[mine])]
    table = pc.take(compact(table), pa.array(order), boundscheck=False).combine_chunks()
    table = table.replace_schema_metadata({EDGES: edges.astype(np.int64).tobytes()})
    write_arrow(table, path, [] if isinstance(place(path), Path) else edges.tolist())


def write_arrow(table: pa.Table, path: str, edges: Sequence[int] = ()) -> None:
    """With `edges`, the rows between two of them are a batch that can be read alone."""
    with (
        written(place(path)) as file,
        pa.OSFile(str(file), "wb") as sink,
        pa.ipc.new_file(sink, table.schema) as writer,
    ):
        for start, stop in pairwise(edges):
            writer.write_table(table.slice(start, stop - start))
        if not edges:
            writer.write_table(table)


class MappedPart:
    """A part mapped into memory: its rows, and the index at which each bucket begins.

    `buckets`: the first, and the one after the last; the part may lack the rows of others.
    """

    def __init__(self, path: str, buckets: tuple[int, int] = (0, BUCKETS)) -> None:
        with _near(place(path), *buckets) as copy, copy.open("rb") as file:
            self._mapped = mmap(file.fileno(), 0, access=ACCESS_READ)
        self.rows = pa.ipc.open_file(pa.BufferReader(pa.py_buffer(self._mapped))).read_all()
        self.edges = np.frombuffer(self.rows.schema.metadata[EDGES], dtype=np.int64)

    def forget(self) -> None:
        """Release the pages that were read; the system reads them again when needed."""
        self._mapped.madvise(MADV_DONTNEED)


@contextmanager
def _near(where: Place, first: int, after: int) -> Iterator[Path]:
    """The part as a local file; from an object store only these buckets are fetched."""
    if isinstance(where, Path) or after - first == BUCKETS:
        with fetched(where) as copy:
            yield copy
        return
    with scratch(where.name) as copy:
        with pa.PythonFile(where.open(buffered=False), mode="r") as file:
            whole = pa.ipc.open_file(file)
            edges = np.frombuffer(whole.schema.metadata[EDGES], dtype=np.int64)
            mine = np.clip(edges, edges[first], edges[after]) - edges[first]
            filled = np.cumsum([0, *(np.diff(edges) > 0)])  # a bucket without rows has no batch
            with pa.OSFile(str(copy), "wb") as sink:
                schema = whole.schema.with_metadata({EDGES: mine.tobytes()})
                with pa.ipc.new_file(sink, schema) as writer:
                    for number in range(filled[first], filled[after]):
                        writer.write_batch(whole.get_batch(number))
        yield copy


def read_part(path: str) -> tuple[pa.Table, np.ndarray]:
    """A part's rows, expanded, and the index at which each bucket begins."""
    part = MappedPart(path)
    return expand(part.rows), part.edges


def read_rejected(paths: Sequence[str]) -> Iterator[pa.Table]:
    for path in paths:
        yield _mapped(path)


def _mapped(path: str) -> pa.Table:
    with fetched(place(path)) as file:
        return pa.ipc.open_file(pa.memory_map(str(file))).read_all()
