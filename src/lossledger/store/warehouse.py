"""The warehouse: Delta tables under one folder, written by one writer at a time, a date replaced atomically."""

import fcntl
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import AddAction

from lossledger.engine.errors import ConfigError, ConflictError, is_out_of_space, no_space
from lossledger.schemas.core import Table
from lossledger.schemas.provenance import is_late
from lossledger.schemas.registry import TABLES
from lossledger.store.arrow import arrow_schema, bare_schema, filled, sort_by_key, to_ipc
from lossledger.store.creation import (
    add_columns,
    create_table,
    has_log,
    missing,
    refuse_headless,
    table_path,
    write_error,
)
from lossledger.store.delta import dataset, read
from lossledger.store.fence import commit_properties, fence
from lossledger.store.marker import LOCK, check_format, has_marker, is_of_today, write_marker
from lossledger.store.paths import check_path
from lossledger.store.places import Place, asking_delta, open_table
from lossledger.store.table_cache import at_version, remember

if TYPE_CHECKING:
    from lossledger.store.lease import Lease

# Workers and other readers open the files themselves, so no deletion vectors; history is never cut short.
_PROPERTIES = {
    "delta.enableDeletionVectors": "false",
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
}


NOT_THERE = -1  # the version of a table that came later


class Warehouse:
    """Reads and writes tables below `root`. Opening checks that it is one of ours and of a format that we know.

    One of an earlier format may lack tables and columns until the next run adds them: to a reader such a table has
    no rows, and a row has in such a column what `schemas.provenance.before` says.
    """

    def __init__(self, root: Place) -> None:
        self.root = root
        self._open: dict[str, DeltaTable] = {}
        self.lease: Lease | None = None  # of a place in a store, while it is held
        check_format(root)
        self._of_today = is_of_today(root)

    @classmethod
    def create(cls, root: Place) -> "Warehouse":
        """Create the missing parts of the warehouse under its lock. ConfigError when it cannot be written.

        ConflictError: another process is just making it. Nothing is written, or held, when all is there.
        """
        if not is_complete(root):
            with cls.made(root):
                pass
        return cls(root)

    @classmethod
    @contextmanager
    def made(cls, root: Place) -> Iterator["Warehouse"]:
        """The warehouse with all its tables and columns, made where they are missing, and held for one writer."""
        check_path(root)
        with _making(root):
            root.mkdir(parents=True, exist_ok=True)
            if isinstance(root, Path):
                (root / LOCK).touch()
        warehouse = cls(root)
        with warehouse.locked():
            if not has_marker(root):
                with _making(root):
                    write_marker(root)
            for table in missing(root, TABLES.values()):
                create_table(root, table, _PROPERTIES | _skipping(table))
            if not is_of_today(root):
                warehouse._add_columns()
            warehouse._of_today = True
            yield warehouse

    def _add_columns(self) -> None:
        """Bring the tables of an earlier build up to today's declarations."""
        for table in TABLES.values():
            delta = self.delta(table)
            add_columns(table, delta, commit_properties(delta, self.lease))
        with _making(self.root):
            write_marker(self.root)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the warehouse for one writer; on a disk the lock goes with the process, however it ends.

        In a store it is a lease; where the one before was not freed, its holder is shut out first.
        """
        with hold(self.root / LOCK, str(self.root)) as lease:
            if lease and lease.took_over:
                fence(TABLES.values(), self.path, lease)
                self._open.clear()
            self.lease = lease
            try:
                yield
            finally:
                self.lease = None

    @property
    def token(self) -> int:
        """The token of the held lease; 0 without one."""
        return self.lease.token if self.lease else 0

    def path(self, table: Table) -> Place:
        return table_path(self.root, table)

    def delta(self, table: Table) -> DeltaTable:
        """The table as this process last wrote or saw it."""
        if table.full_name not in self._open:
            path = self.path(table)
            if isinstance(path, Path) and not has_log(path):
                raise _incomplete(self.root, table)
            try:
                self._open[table.full_name] = remember(open_table(path), str(path))
            except TableNotFoundError as error:
                refuse_headless(path)
                raise _incomplete(self.root, table) from error
        return self._open[table.full_name]

    def has(self, table: Table) -> bool:
        """False for a table that came later than the warehouse, as long as no run has added it."""
        return self._of_today or not is_late(table) or not missing(self.root, [table])

    def version(self, table: Table) -> int:
        """NOT_THERE: the table came later than the warehouse."""
        return self.delta(table).version() if self.has(table) else NOT_THERE

    def version_of(self, schema: str, name: str) -> int:
        return self.version(TABLES[f"{schema}.{name}"])

    def read(self, table: Table, day: date | None = None, version: int | None = None) -> pa.Table:
        """All rows, or those of one value of the partition column, in the declared types.

        None where the version is NOT_THERE.
        """
        if version == NOT_THERE or not self.has(table):
            return arrow_schema(table).empty_table()
        delta = self.delta(table) if version is None else at_version(str(self.path(table)), version)
        partitions = [(table.partition, "=", day.isoformat())] if day else None
        return read(table, delta, partitions)

    def find(self, table: Table, wanted: Any, columns: list[str] | None = None) -> pa.Table:
        """The rows that satisfy an Arrow expression; file statistics spare what cannot hold any."""
        if not self.has(table):
            return arrow_schema(table).empty_table().select(columns or arrow_schema(table).names)
        return filled(table, dataset(table, self.delta(table)).to_table(filter=wanted, columns=columns))

    def days(self, table: Table) -> list[date]:
        """The partition values for which the table has rows, from its log alone."""
        if not self.has(table):
            return []
        actions = pa.table(self.delta(table).get_add_actions(flatten=True))
        column = f"partition.{table.partition}"
        if column not in actions.column_names:
            return []
        return sorted(set(actions.column(column).cast(pa.date32()).to_pylist()))

    def replace_day(self, table: Table, data: pa.Table, day: date) -> int:
        """Put `data` in place of the partition of a date, in one commit: the new version."""
        return self._write(table, sort_by_key(table, data), f"{table.partition} = '{day.isoformat()}'")

    def replace_files(self, table: Table, actions: Sequence[AddAction], day: date) -> None:
        """Put files that are written already in place of the partition of a date, in one commit."""
        delta = self.delta(table)
        filters = [(table.partition, "=", day.isoformat())]
        try:
            delta.create_write_transaction(
                list(actions),
                "overwrite",
                arrow_schema(table),
                [table.partition],
                filters,
                commit_properties=commit_properties(delta, self.lease),
            )
        except CommitFailedError as error:
            raise _written_by_others(table) from error
        except (OSError, DeltaError) as error:
            raise write_error(f"{table.full_name} in {self.path(table)}", error) from error
        with asking_delta(self.path(table)):
            delta.update_incremental()

    def replace_all(self, table: Table, data: pa.Table) -> int:
        return self._write(table, data, None)

    def append(self, table: Table, data: pa.Table) -> None:
        self._commit(table, data, mode="append")

    def _write(self, table: Table, data: pa.Table, predicate: str | None) -> int:
        self._commit(table, data, mode="overwrite", predicate=predicate)
        return self.version(table)

    def _commit(self, table: Table, data: pa.Table, **options: Any) -> None:
        delta = self.delta(table)
        before = delta.version()
        try:
            properties = commit_properties(delta, self.lease)
            # The table keeps the comments that it was made with: other ones would not be merged with them.
            write_deltalake(delta, data.cast(bare_schema(table)), commit_properties=properties, **options)
        except CommitFailedError as error:
            raise _written_by_others(table) from error
        except (OSError, DeltaError) as error:
            raise write_error(f"{table.full_name} in {self.path(table)}", error) from error
        if delta.version() == before:
            with asking_delta(self.path(table)):
                delta.update_incremental()


def _skipping(table: Table) -> dict[str, str]:
    """Columns with statistics; without this list, readers take missing statistics of other columns for null."""
    return {"delta.dataSkippingStatsColumns": ",".join(table.skip_by)} if table.skip_by else {}


def _incomplete(root: Place, table: Table) -> ConflictError:
    return ConflictError(
        f"{root} is not complete, {table.full_name} is missing: it is just being made, or its "
        "making was broken off; lossledger run makes what is missing"
    )


def _written_by_others(table: Table) -> ConflictError:
    return ConflictError(f"{table.full_name} was written by somebody else meanwhile: try again")


@contextmanager
def hold(lock: Place, what: str) -> Iterator["Lease | None"]:
    """Be the only writer of a place, `what`, for as long as it is open. ConflictError when another process is.

    On this machine that is a lock on a file, which is free again when the process ends; in a store it is a lease.
    """
    if isinstance(lock, Path):
        with locked(lock, what):
            yield None
    else:
        from lossledger.store.lease import leased

        with leased(lock, what) as lease:
            yield lease


@contextmanager
def locked(path: Path, what: str) -> Iterator[None]:
    """Hold a lock file; it is free again when the process ends. ConflictError when another process holds it."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConflictError(f"another run is writing to {what}: try again when it is done") from None
        yield


@contextmanager
def _making(root: Place) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if is_out_of_space(error):
            raise ConflictError(no_space(str(root))) from error
        raise ConfigError(f"cannot write to warehouse {root}: {error.strerror or error}") from error


def is_complete(root: Place) -> bool:
    """Whether every table is there, with the columns that it has today."""
    return is_of_today(root) and not missing(root, TABLES.values())


def content_hash(tables: Iterable[tuple[Table, pa.Table]]) -> str:
    """A hash of rows that does not depend on how they are stored."""
    digest = hashlib.sha256()
    for table, data in tables:
        ordered = sort_by_key(table, data).combine_chunks()
        digest.update(table.full_name.encode())
        digest.update(to_ipc(pa.Table.from_arrays(ordered.columns, names=ordered.column_names)))
    return digest.hexdigest()
