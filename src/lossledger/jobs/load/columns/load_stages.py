"""Loads new deliveries in stages of tasks; the driver handles counts and names of files, never rows."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from lossledger.engine.clock import DAY_US, day_of, day_start_us, iso
from lossledger.engine.errors import DataError
from lossledger.jobs.load.columns.archive_files import ArchiveTask, archive_files
from lossledger.jobs.load.columns.duplicate_keys import (
    KeyHashTask,
    SettleResult,
    SettleTask,
    repeated_hashes,
    settle_duplicates,
)
from lossledger.jobs.load.columns.ledger_commit import commit_day, data_file
from lossledger.jobs.load.columns.part_layout import group_field, id_field
from lossledger.jobs.load.columns.pass1_partition import PartitionResult, PartitionTask, PieceRows, partition
from lossledger.jobs.load.columns.pass2_sort import SortTask, WrittenFile, sort_buckets
from lossledger.jobs.load.columns.published_rows_guard import GuardTask, published_rows_differ
from lossledger.jobs.load.columns.splits import Piece, SourceFile, pieces_of, task_pieces
from lossledger.jobs.load.columns.validation_context import ValidationContext, write_context
from lossledger.jobs.load.landing_zone import LandedFile
from lossledger.jobs.spark.mapper import Mapper
from lossledger.schemas.core import Dataset
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import BUCKETS, TYPED
from lossledger.store.content import content_path
from lossledger.store.key_hashes import hash_file
from lossledger.store.places import Place, remove_tree
from lossledger.store.staging import of_writer
from lossledger.store.thresholds import LEAST_TASK_BYTES, LEDGER_FILE_ROWS, TASK_BYTES, TASK_HASHES
from lossledger.store.warehouse import Warehouse


@dataclass
class IncomingDelivery:
    """A delivery that is new or has changed, with the results of its tasks.

    `again`: its content was loaded before, by other rules. `table_version`: version of the delivered Delta table.
    """

    dataset: Dataset
    day: date
    files: list[LandedFile]
    content_sha256: str
    sha256: str
    again: bool = False
    table_version: int | None = None
    sources: list[SourceFile] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    partitions: list[PartitionResult] = field(default_factory=list)
    settled: list[SettleResult] = field(default_factory=list)
    written: list[WrittenFile] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"{self.dataset.name}-{self.day}"

    @property
    def by_piece(self) -> dict[int, PieceRows]:
        return {p.number: p for c in self.partitions for p in c.pieces}

    @property
    def parts(self) -> list[str]:
        return [path for c in self.partitions for path in c.parts]

    @property
    def rejected_files(self) -> list[str]:
        return [path for c in self.partitions for path in c.rejected] + [
            s.rejected for s in self.settled if s.rejected
        ]

    def rows_of_files(self) -> list[int]:
        """Data rows, in the order of the files."""
        rows = dict.fromkeys((f.path for f in self.files), 0)
        counts = self.by_piece
        for piece in self.pieces:
            rows[piece.file.path] += counts[piece.number].rows
        return list(rows.values())

    def first_rows(self) -> list[int]:
        """Per piece, the number of rows of its file before it."""
        firsts, before, path = [], 0, ""
        counts = self.by_piece
        for piece in self.pieces:
            before = before if piece.file.path == path else 0
            path = piece.file.path
            firsts.append(before)
            before += counts[piece.number].rows
        return firsts

    @property
    def rows(self) -> int:
        return sum(self.rows_of_files())

    @property
    def rejected(self) -> int:
        return sum(p.rejected for p in self.by_piece.values()) + sum(s.conflicts for s in self.settled)

    @property
    def duplicates(self) -> int:
        return sum(s.duplicates for s in self.settled)

    @property
    def superseded(self) -> int:
        return sum(s.superseded for s in self.settled)

    @property
    def accepted(self) -> int:
        return sum(w.rows for w in self.written)

    @property
    def extra_columns(self) -> list[str]:
        return [name for p in self.by_piece.values() for name in p.extra]


@dataclass
class ColumnLoad:
    """Loads deliveries. `judge_all`: every row goes to the reference judge."""

    warehouse: Warehouse
    landing: Place
    mapper: Mapper
    judge_all: bool = False

    @contextmanager
    def staged(self, context: ValidationContext) -> Iterator["LoadStages"]:
        """Temporary folder for files between passes, deleted on exit; in a store its name carries the fencing token."""
        folder = self.warehouse.root / "staging" / f"load{of_writer(self.warehouse.token)}"
        for left in folder.parent.glob("load*"):
            if left.name <= folder.name:
                remove_tree(left)
        try:
            write_context(context, folder / "context.arrow")
            yield LoadStages(self, folder)
        finally:
            remove_tree(folder)


@dataclass
class LoadStages:
    """The stages of a load, in order: partition; then for each date settle_duplicates, sort_buckets and commit."""

    load: ColumnLoad
    folder: Place

    @property
    def _context(self) -> str:
        return str(self.folder / "context.arrow")

    def partition(self, incoming: Sequence[IncomingDelivery]) -> None:
        """Archive the files, then run pass 1 over all of them."""
        tasks = [
            ArchiveTask(str(self.load.landing), tuple(some), str(self.load.warehouse.root))
            for item in incoming
            for some in _some(item.files)
        ]
        self.load.mapper.map(
            archive_files, tasks, sum(f.size for item in incoming for f in item.files), "bytes"
        )
        for item in incoming:
            item.sources = [
                SourceFile(f.path, str(content_path(self.load.warehouse.root, f.sha256)), f.size)
                for f in item.files
            ]
            item.pieces = pieces_of(item.sources)
        owners, partition_tasks = [], []
        weight = sum(f.weight for item in incoming for f in item.sources)
        columns = not self.load.judge_all
        most = max(LEAST_TASK_BYTES, min(TASK_BYTES, weight // (2 * self.load.mapper.cut(weight))))
        for item in incoming:
            for n, pieces in enumerate(task_pieces(item.pieces, most)):
                owners.append(item)
                partition_tasks.append(self._partition_task(item, pieces, f"{n}", columns))
        for item, result in zip(
            owners, self.load.mapper.map(partition, partition_tasks, weight, "unpacked bytes"), strict=True
        ):
            item.partitions.append(result)
        self._read_again(incoming, weight)

    def _partition_task(
        self, item: IncomingDelivery, pieces: Sequence[Piece], name: str, columns: bool
    ) -> PartitionTask:
        return PartitionTask(
            item.dataset.name, item.day, pieces, self._context, str(self.folder / item.name), name, columns
        )

    def _read_again(self, incoming: Sequence[IncomingDelivery], weight: int) -> None:
        """The reference reader reads files that are not of the plain form again, each as one piece."""
        owners, partition_tasks = [], []
        for item in incoming:
            for path in _not_plain(item):
                mine = [p for p in item.pieces if p.file.path == path]
                numbers = {p.number for p in mine}
                item.partitions = [c for c in item.partitions if not numbers & {p.number for p in c.pieces}]
                item.partitions.append(
                    PartitionResult([PieceRows(n, 0, 0, (), ()) for n in sorted(numbers)[1:]])
                )
                whole = Piece(mine[0].number, mine[0].file)
                owners.append(item)
                partition_tasks.append(self._partition_task(item, [whole], f"again-{whole.number}", False))
        for item, result in zip(
            owners, self.load.mapper.map(partition, partition_tasks, weight, "unpacked bytes"), strict=True
        ):
            item.partitions.append(result)

    def settle_duplicates(self, incoming: Sequence[IncomingDelivery], history: dict[str, list[str]]) -> None:
        """Repeated keys of a date's deliveries; `history`: files of the hashes of earlier dates, by dataset."""
        owners, tasks = [], []
        for item in incoming:
            shares = max(1, -(-sum(c.rows for c in item.partitions) // TASK_HASHES))
            for share in range(shares):
                name = id_field(item.dataset)
                table = self.load.warehouse.path(TYPED[item.dataset.name])
                out = str(hash_file(table, item.day, item.sha256, share)) if name else ""
                repeated = str(self.folder / item.name / f"repeated-{share}.npy")
                before = history.get(item.dataset.name, [])
                owners.append(item)
                tasks.append(KeyHashTask(item.parts, share, shares, before, out, repeated))
        rows = sum(c.rows for item in incoming for c in item.partitions)
        results = self.load.mapper.map(repeated_hashes, tasks, rows)
        found = [(item, result) for item, result in zip(owners, results, strict=True) if result.repeated]
        settles = []
        for n, (item, result) in enumerate(found):
            folder = self.folder / item.name
            settles.append(
                SettleTask(
                    item.dataset.name,
                    item.day,
                    item.parts,
                    result.repeated,
                    [p.file for p in item.pieces],
                    item.first_rows(),
                    str(self.load.warehouse.path(TYPED[item.dataset.name])) if result.earlier else "",
                    str(folder / f"dropped-{n}.npy"),
                    str(folder / f"conflicts-{n}.arrow"),
                )
            )
        for (item, _), settled in zip(
            found, self.load.mapper.map(settle_duplicates, settles, rows), strict=True
        ):
            item.settled.append(settled)

    def sort_buckets(self, incoming: Sequence[IncomingDelivery], numbers: dict[str, int]) -> None:
        """Pass 2. `numbers`: of the files, by path."""
        owners, tasks = [], []
        for item in incoming:
            for task in self._merges(item, numbers):
                owners.append(item)
                tasks.append(task)
        rows = sum(c.rows for item in incoming for c in item.partitions)
        for item, written in zip(owners, self.load.mapper.map(sort_buckets, tasks, rows), strict=True):
            item.written.append(written)

    def _merges(self, item: IncomingDelivery, numbers: dict[str, int]) -> Iterator[SortTask]:
        table = TYPED[item.dataset.name]
        rows = sum(c.rows for c in item.partitions)
        groups = min(BUCKETS, max(1, rows // LEDGER_FILE_ROWS))
        dropped = [s.dropped for s in item.settled if s.duplicates or s.superseded or s.conflicts]
        for n in range(groups):
            yield SortTask(
                item.dataset.name,
                item.day,
                item.parts,
                n * BUCKETS // groups,
                (n + 1) * BUCKETS // groups,
                dropped,
                self._context,
                [numbers[p.file.path] for p in item.pieces],
                item.first_rows(),
                data_file(self.load.warehouse, table, item.day, n),
            )

    def refuse_late_rows(self, incoming: Sequence[IncomingDelivery], session_start: int | None) -> None:
        """Rows of sessions that are published may not change while a later date is run. DataError.

        A change that comes from new rules of the load is no late row: such a session stays as it was published,
        from the ledger of then, until it is run again.
        """
        for item in incoming:
            if session_start is None or session_start <= day_start_us(item.day) or item.again:
                continue
            table = TYPED[item.dataset.name]
            whole = group_field(item.dataset) != "account_id"
            files = [w.path for w in item.written if w.rows]
            shares = [None] if whole else [(b, b + 8) for b in range(0, BUCKETS, 8)]
            tasks = [
                GuardTask(
                    item.dataset.name,
                    item.day,
                    str(self.load.warehouse.path(table)),
                    self.load.warehouse.version(table),
                    files,
                    session_start,
                    share,
                )
                for share in shares
            ]
            if any(self.load.mapper.map(published_rows_differ, tasks, item.rows)):
                raise DataError(
                    f"{item.dataset.name}/date={item.day} has changed rows before {iso(session_start)}, in a "
                    f"session that is published: run again from the date before, "
                    f"--from {day_of(session_start - DAY_US)}"
                )

    def commit(self, item: IncomingDelivery) -> None:
        """Make the written files the rows of the date."""
        commit_day(self.load.warehouse, TYPED[item.dataset.name], item.day, item.written)


def _some(files: Sequence[LandedFile]) -> Iterator[list[LandedFile]]:
    for first in range(0, len(files), 50):
        yield list(files[first : first + 50])


def _not_plain(item: IncomingDelivery) -> list[str]:
    """Paths of files cut into pieces that are not all of the plain form."""
    counts = item.by_piece
    found: defaultdict[str, set[str]] = defaultdict(set)
    rows: defaultdict[str, int] = defaultdict(int)
    bad = set()
    for piece in item.pieces:
        if piece.is_whole:  # its task has seen to it
            continue
        of_piece = counts[piece.number]
        path = piece.file.path
        rows[path] += of_piece.rows
        found[path] |= set(of_piece.found)
        if not of_piece.plain:
            bad.add(path)
    required = set(DATASETS[item.dataset.name].required_columns)
    bad |= {path for path, count in rows.items() if count and not required <= found[path]}
    return sorted(bad)
