"""Validates accounts as columns; rows that are not plainly good go to the reference judge.

A repeated key or a changed type concerns the rows of one account. Accounts with neither are accepted as they are; the
reference settles the rows of the others.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.clock import day_start_us
from lossledger.engine.intake.judge import Intake, Judge, RawRow, Reference, Rejected
from lossledger.jobs.load.columns.column_judge import decode, texts_of
from lossledger.jobs.load.columns.column_reader import DAMAGE, Batch, NotPlain, PieceColumns, read_piece
from lossledger.jobs.load.columns.splits import Piece, SourceFile
from lossledger.jobs.load.columns.validation_context import enum_table
from lossledger.jobs.load.file_reader import read_file
from lossledger.jobs.load.landing_zone import LAST_DAY
from lossledger.jobs.load.reference_rows import CountedRows, ReferenceRows
from lossledger.schemas.inputs import ACCOUNTS
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import place

_FIELDS = {f.name: f for f in ACCOUNTS.fields}
_SCHEMA = pa.schema(
    [
        ("account_id", pa.string()),
        ("account_type", pa.int8()),
        ("client_class", pa.int8()),
        ("negative_balance_protected", pa.bool_()),
        ("valid_from", pa.int64()),
        ("place", pa.int64()),
    ]
)
_ROW_BITS = 40  # of a place: the file, and the row in it from 0 on


def judge_accounts(files: Sequence[SourceFile], settle: Callable[[Intake], Intake]) -> ReferenceRows:
    """Validate the accounts. `settle`: the reference's decision between rows. DataError when a file is damaged."""
    batches, rejected = list[pa.RecordBatch](), list[Rejected]()
    rows, extra = list[int](), list[str]()
    for number, file in enumerate(files):
        try:
            of_file = _by_columns(number, file)
        except NotPlain:
            of_file = _by_rows(number, file)
        batches += of_file.batches
        rejected += of_file.rejected
        rows.append(of_file.rows)
        extra += of_file.extra
    table = pa.Table.from_batches(batches, schema=_SCHEMA).combine_chunks()
    clear = _clear(table)
    settled = settle(_intake(table.filter(pa.array(~clear)), files, rejected))
    accepted = pa.concat_tables([table.filter(pa.array(clear)), _table(settled.rows)])
    texts = _texts(settled.rejected, files)
    found = [r if r.row else r._replace(row=texts[r.file, r.row_number]) for r in settled.rejected]
    return ReferenceRows(_ledger(accepted), found, settled.duplicates, rows, extra)


class _File(NamedTuple):
    batches: list[pa.RecordBatch]
    rejected: list[Rejected]
    rows: int
    extra: Sequence[str]


def _by_columns(number: int, file: SourceFile) -> _File:
    columns, rows = PieceColumns(), 0
    batches: list[pa.RecordBatch] = []
    rejected: list[Rejected] = []
    for batch in read_piece(ACCOUNTS, Piece(number, file), columns):
        good = (batch.odd == 0).astype(np.uint8)
        taken = _good(batch, good, number, rows)
        left = np.flatnonzero(good == 0)
        try:
            delivered = batch.deliver(left) if len(left) else []
        except DAMAGE as error:
            raise NotPlain(str(error)) from error
        raw = (
            RawRow(file.path, rows + at + 1, *row) for at, row in zip(left.tolist(), delivered, strict=True)
        )
        batches += [taken, *_judged(number, raw, rejected)]
        rows += len(good)
    if rows and not set(ACCOUNTS.required_columns) <= columns.found:
        raise NotPlain("a column is missing")
    return _File(batches, rejected, rows, sorted(columns.extra))


def _good(batch: Batch, good: np.ndarray, number: int, first_row: int) -> pa.RecordBatch:
    """The plainly good rows; clears `good` for the others."""
    values: dict[str, Any] = {
        f.name: decode(f, batch.sources.get(f.name), good, enum_table(f.values) if f.values else None)
        for f in ACCOUNTS.fields
    }
    since = values["valid_from"]
    good &= (since >= 0) & (since < day_start_us(LAST_DAY))
    chosen = np.flatnonzero(good)
    text, starts, ends = values["account_id"]
    columns = [
        texts_of(text, starts[chosen], ends[chosen]),
        pa.array(values["account_type"][chosen].astype(np.int8)),
        pa.array(values["client_class"][chosen].astype(np.int8)),
        pa.array(values["negative_balance_protected"][chosen] == 1),
        pa.array(since[chosen]),
        pa.array((number << _ROW_BITS) + first_row + chosen),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=_SCHEMA)


def _by_rows(number: int, file: SourceFile) -> _File:
    content = read_file(Path(), file.path, ACCOUNTS, content=place(file.content))
    rows, rejected = CountedRows(content.rows), list[Rejected]()
    batches = list(_judged(number, rows, rejected))
    return _File(batches, rejected, rows.count, content.extra_columns)


def _judged(number: int, rows: Iterable[RawRow], rejected: list[Rejected]) -> Iterator[pa.RecordBatch]:
    """The rows that the reference accepts; the others are added to `rejected`."""
    judge = Judge(ACCOUNTS, Reference())
    accepted: list[tuple[Any, ...]] = []
    places: list[int] = []
    for row in rows:
        typed, reasons = judge.decide(row)
        if reasons:
            rejected.append(Rejected(row.file, row.number, row.text, tuple(reasons)))
        else:
            accepted.append(tuple(typed[name] for name in _FIELDS))
            places.append((number << _ROW_BITS) + row.number - 1)
    if accepted:
        yield from _table(accepted, places).to_batches()


def _table(rows: Sequence[Sequence[Any]], places: Sequence[int] | None = None) -> pa.Table:
    columns = {name: [row[at] for row in rows] for at, name in enumerate(_FIELDS)}
    for name, field in _FIELDS.items():
        if field.values:
            columns[name] = [field.values.index(value) for value in columns[name]]
    columns["place"] = list(places) if places is not None else [0] * len(rows)
    return pa.table(columns, schema=_SCHEMA)


def _clear(table: pa.Table) -> np.ndarray:
    """Marks rows of accounts that have no repeated key and one type."""
    codes = table.column("account_id").combine_chunks().dictionary_encode().indices.to_numpy()
    since, kind = table.column("valid_from").to_numpy(), table.column("account_type").to_numpy()
    order = np.lexsort((since, codes))
    account, time, of = codes[order], since[order], kind[order]
    same = account[1:] == account[:-1]
    bad = same & ((time[1:] == time[:-1]) | (of[1:] != of[:-1]))
    unclear = np.zeros(len(table) + 1, dtype=bool)
    unclear[account[1:][bad]] = True
    return ~unclear[codes]


def _intake(table: pa.Table, files: Sequence[SourceFile], rejected: list[Rejected]) -> Intake:
    """Rows for the reference, without their text, which is read again for rejected rows."""
    places = table.column("place").to_pylist()
    columns: list[list[Any]] = [table.column(name).to_pylist() for name in _FIELDS]
    for at, field in enumerate(ACCOUNTS.fields):
        if field.values:
            columns[at] = [field.values[code] for code in columns[at]]
    origins = [(files[p >> _ROW_BITS].path, (p & ((1 << _ROW_BITS) - 1)) + 1, "") for p in places]
    return Intake(list(zip(*columns, strict=True)), origins, rejected)


def _texts(rejected: Sequence[Rejected], files: Sequence[SourceFile]) -> dict[tuple[str, int], str]:
    wanted: defaultdict[str, set[int]] = defaultdict(set)
    for row in rejected:
        if not row.row:
            wanted[row.file].add(row.row_number)
    return {
        (file.path, row.number): row.text
        for file in files
        if wanted[file.path]
        for row in read_file(Path(), file.path, ACCOUNTS, content=place(file.content)).rows
        if row.number in wanted[file.path]
    }


def _ledger(table: pa.Table) -> pa.Table:
    """The rows in the ledger's schema, sorted by key."""
    table = table.combine_chunks()
    columns = []
    for name, field in _FIELDS.items():
        column = table.column(name)
        if field.values:
            column = pa.array(field.values, pa.string()).take(column)
        if name == "valid_from":
            column = column.cast(pa.timestamp("us", tz="UTC"))
        columns.append(column)
    schema = arrow_schema(TYPED["accounts"])
    return pa.Table.from_arrays(columns, schema=schema).sort_by([(k, "ascending") for k in ACCOUNTS.key])
