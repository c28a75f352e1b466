"""Staged tables, which the stages of a date pass on: lists of part files in WAREHOUSE/staging/DATE.

A part is a Parquet file sorted by its table's key, without the partition column, as a Delta table's files are.
Tasks write parts, each under a number of its own; what is in no list is not there, whatever a dead task left.
"""

import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from lossledger.engine.errors import DataError, InvariantError
from lossledger.schemas.core import Table, Type
from lossledger.store.arrow import arrow_schema, sort_by_key
from lossledger.store.creation import whole, write_beside
from lossledger.store.places import Place, open_parquet, remove_tree, text_of

ROWS = 1 << 17  # of a row group


class Part(NamedTuple):
    """A file of a staged table: `number` is the task's that wrote it."""

    number: int
    file: str
    rows: int


@dataclass(frozen=True)
class Staging:
    """The staged tables of a date; small enough to be sent to a task.

    `writer`: in a store the token of the lease's holder. It is in the names of all files, so that
    a writer that was thought dead writes beside what its successor writes, and is not read.
    """

    root: Place
    day: date
    writer: int = 0

    @cached_property
    def folder(self) -> Place:
        return self.root / "staging" / self.day.isoformat()

    @property
    def spill(self) -> Path:
        """Where what does not fit into memory may go meanwhile; of no date, for databases outlive one.

        Processes share it: each database has a folder of its own below (`store.duck.limit`).
        """
        if isinstance(self.root, Path):
            return self.root / "staging" / ".spill"
        return Path(tempfile.gettempdir()) / f"lossledger-spill-{os.getuid()}"

    # parts, in tasks ------------------------------------------------------------------------------------

    def write_part(
        self, table: Table, number: int, data: pa.Table, notes: Mapping[str, str] | None = None
    ) -> Part | None:
        """Write rows, in any order, as part `number`; None when there are none."""
        if not data.num_rows:
            return None
        return self.write_batches(table, number, sort_by_key(table, data).to_batches(), notes)

    def write_batches(
        self,
        table: Table,
        number: int,
        batches: Iterable[pa.RecordBatch],
        notes: Mapping[str, str] | None = None,
    ) -> Part | None:
        """Write rows that come in order of the key; `notes` stay with the file wherever it goes.

        DataError for an amount of more than 38 digits. ConflictError: the disk is full.
        """
        filled = (batch for batch in batches if batch.num_rows)
        first = next(filled, None)
        if first is None:
            return None
        schema, path, rows = part_schema(table), self._file(table, number), 0
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole(path) as writing, parquet_writer(table, writing, schema) as writer:
            for batch in chain([first], filled):
                writer.write_table(_declared(table, schema, batch), row_group_size=ROWS)
                rows += batch.num_rows
            writer.add_key_value_metadata(dict(notes or {}))
        return Part(number, path.name, rows)

    def _file(self, table: Table, number: int) -> Place:
        return self.folder / table.name / f"part-{number:05}{of_writer(self.writer)}.parquet"

    # tables, in the driver ------------------------------------------------------------------------------

    def commit(self, table: Table, parts: Iterable[Part | None]) -> None:
        """Record the parts of a table, which completes it."""
        self.write_note(table.name, {"parts": sorted(part for part in parts if part)})

    def write(self, table: Table, data: pa.Table) -> None:
        """A table that is small, in one part."""
        self.commit(table, [self.write_part(table, 0, data)])

    def parts(self, table: Table) -> list[Part]:
        """DataError when the stage that makes the table has not been run."""
        note = self.read_note(table.name)
        if "parts" not in note:
            raise DataError(f"{table.name} of {self.day} is not there: run the stages before this one first")
        return [Part(*part) for part in note["parts"]]

    def paths(self, table: Table) -> list[Place]:
        return self.files(table, self.parts(table))

    def files(self, table: Table, parts: Iterable[Part]) -> list[Place]:
        return [self.folder / table.name / part.file for part in parts]

    def rows(self, table: Table) -> int:
        return sum(part.rows for part in self.parts(table))

    def read(self, table: Table) -> pa.Table:
        """All rows with the partition column, sorted by key: for tables that are small."""
        paths = self.paths(table)
        if not paths:
            return arrow_schema(table).empty_table()
        data = pa.concat_tables([open_parquet(path).read() for path in paths])
        return with_day(table, sort_by_key(table, data), self.day)

    def pieces(self, table: Table) -> Iterator[pa.Table]:
        """All rows in batches, in the order of the parts."""
        for path in self.paths(table):
            for batch in open_parquet(path).iter_batches(ROWS):
                yield pa.Table.from_batches([batch])

    # notes ----------------------------------------------------------------------------------------------

    def read_note(self, name: str) -> dict[str, Any]:
        """Of the latest writer; empty when there is none."""
        where: Place = self.folder / f"{name}.json"
        folder = self.folder
        if not isinstance(folder, Path):
            where = max(folder.glob(f"{name}.w*.json"), default=where, key=str)
        text = text_of(where)
        return json.loads(text) if text else {}

    def write_note(self, name: str, note: Mapping[str, Any]) -> None:
        """Beside and renamed, so that a stage that dies leaves nothing half."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_beside(self.folder / f"{name}{of_writer(self.writer)}.json", json.dumps(note, sort_keys=True))

    def discard(self) -> None:
        remove_tree(self.folder)


def of_writer(token: int) -> str:
    """The suffix of a writer's names; names of later writers sort later."""
    return f".w{token:09}" if token else ""


@cache
def part_schema(table: Table) -> pa.Schema:
    """The columns of a part: the table's but its partition column, without their comments."""
    fields = [field for field in arrow_schema(table) if field.name != table.partition]
    return pa.schema([field.remove_metadata() for field in fields])


def parquet_writer(table: Table, path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Names and closed sets repeat, amounts seldom do."""
    texts = [c.name for c in table.columns if c.type is Type.TEXT and c.name != table.partition]
    return pq.ParquetWriter(
        path, schema, compression="zstd", compression_level=1, use_dictionary=texts, store_schema=False
    )


def _declared(table: Table, schema: pa.Schema, batch: pa.RecordBatch) -> pa.Table:
    data = pa.Table.from_batches([batch]).select(schema.names)
    try:
        data = data.cast(schema)
        data.validate(full=True)  # an exact sum may have a digit more than the type
    except pa.ArrowInvalid as error:
        raise DataError(f"{table.name}: an amount needs more than the 38 digits of DECIMAL(38,18)") from error
    except ValueError as error:
        raise InvariantError(f"{table.name}: {error}") from error
    return data


def with_day(table: Table, data: pa.Table, day: date) -> pa.Table:
    """Rows of a date's files in the declared types, its partition column among them."""
    dates = pa.repeat(pa.scalar(day, pa.date32()), data.num_rows)
    place = [c.name for c in table.columns].index(table.partition)
    return data.add_column(place, table.partition, dates).cast(arrow_schema(table))
