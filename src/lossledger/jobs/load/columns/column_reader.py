"""The rows of a piece of a file as columns, a bounded batch at a time."""

import gzip
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.jobs.load.columns.column_judge import Source, Spans
from lossledger.jobs.load.columns.csv_cells import LONGEST_CELL, PLAIN, csv_cells
from lossledger.jobs.load.columns.part_layout import id_field, kind_of
from lossledger.jobs.load.columns.row_fallback import csv_header, read_csv_lines, read_parquet_rows
from lossledger.jobs.load.columns.splits import Piece
from lossledger.jobs.load.delivered_rows import MAX_EXTRA, DeliveredRow, shortened
from lossledger.jobs.load.parquet_columns import AS_PLAIN, plain, plain_columns, text_columns, unfit_columns
from lossledger.schemas.core import Dataset, Field
from lossledger.store.places import open_binary, open_parquet, place

_CHUNK = 8 << 20
_BATCH_ROWS = 1 << 17
_BUFFER = 1 << 20  # bytes that are read ahead, per column
_CHUNK_BYTES = 1 << 29  # of texts of a row group
_HEADER = 1 << 16
_LINE = 1 << 18  # bytes of a plain row
DAMAGE = (OSError, EOFError, zlib.error, ValueError, pa.ArrowException, OverflowError)


class NotPlain(Exception):
    """The file is not of the plain form; the reference reader must read all of it."""


class Batch(NamedTuple):
    """`sources`: columns by field; `odd`: flags of rows that are not plain; `deliver`: rows for the reference."""

    sources: Mapping[str, Source]
    odd: np.ndarray
    deliver: Any  # Callable[[np.ndarray], list[DeliveredRow]]


@dataclass
class PieceColumns:
    """The columns of a piece, complete when its last row has been read."""

    found: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)

    def note(self, names: set[str]) -> None:
        """Record unknown names. NotPlain: more than the reference reader records."""
        self.extra |= {shortened(name, 100) for name in names}
        if len(self.extra) >= MAX_EXTRA:
            raise NotPlain("very many unknown names")


def read_piece(dataset: Dataset, piece: Piece, columns: PieceColumns) -> Iterator[Batch]:
    """Batches in order of rows. NotPlain: the file needs the reference reader."""
    try:
        if piece.file.is_parquet:
            yield from _parquet(dataset, piece, columns)
        elif piece.file.is_csv:
            yield from _csv(dataset, piece, columns)
        else:
            raise NotPlain("JSON lines")
    except DAMAGE as error:
        raise NotPlain(str(error)) from error


def _parquet(dataset: Dataset, piece: Piece, columns: PieceColumns) -> Iterator[Batch]:
    content = place(piece.file.content)
    schema = open_parquet(content).schema_arrow
    _note(dataset, schema.names, columns)
    if unfit_columns(dataset, schema):
        raise NotPlain("a column of another type")
    names = plain_columns(schema)
    known = {f.name: f for f in dataset.fields}
    coded = [name for name in names if name in known and _has_few_values(dataset, known[name])]
    coded = [name for name in coded if name in text_columns(schema)]
    file = open_parquet(content, read_dictionary=coded, buffer_size=_BUFFER, **AS_PLAIN)
    groups = list(range(file.num_row_groups) if piece.is_whole else range(piece.first, piece.last))
    _check_lengths(piece, file.metadata, groups, coded)
    for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups, columns=names, use_threads=False):
        sources = {name: plain(batch.column(name)) for name in names if name in known}

        def deliver(rows: np.ndarray, batch: pa.RecordBatch = batch) -> list[DeliveredRow]:
            return read_parquet_rows(batch.take(pa.array(rows)), names)

        yield Batch(sources, np.zeros(batch.num_rows, np.uint8), deliver)


def _has_few_values(dataset: Dataset, field: Field) -> bool:
    return bool(field.values) or (kind_of(field) is not None and id_field(dataset) != field.name)


def _check_lengths(piece: Piece, metadata: Any, groups: Sequence[int], coded: Sequence[str]) -> None:
    """NotPlain: a batch might not fit into memory, because of long texts in a dictionary or of a huge column.

    `coded`: columns that stay dictionaries.
    """
    for group in groups:
        chunks = [metadata.row_group(group).column(i) for i in range(metadata.num_columns)]
        texts = [c for c in chunks if c.physical_type == "BYTE_ARRAY"]
        if any(c.total_uncompressed_size > _CHUNK_BYTES for c in texts):
            raise NotPlain("a column of unreasonable size")
        names = [c.path_in_schema for c in texts if c.has_dictionary_page and c.path_in_schema not in coded]
        if not names:
            continue
        content = place(piece.file.content)
        probe = open_parquet(content, read_dictionary=names, buffer_size=_BUFFER, **AS_PLAIN)
        for batch in probe.iter_batches(1, row_groups=[group], columns=names, use_threads=False):
            for column in batch.columns:
                if pa.types.is_dictionary(column.type) and _longest(column.dictionary) > LONGEST_CELL:
                    raise NotPlain("texts of unreasonable length")
            break


def _longest(texts: pa.Array) -> int:
    return pc.max(pc.binary_length(texts)).as_py() or 0


def _note(dataset: Dataset, names: list[str], columns: PieceColumns) -> list[str]:
    """Record the columns of a header. NotPlain: a column is repeated or missing."""
    if len(set(names)) < len(names) or not set(dataset.required_columns) <= set(names):
        raise NotPlain("its columns are not those of the dataset")
    known = {f.name for f in dataset.fields}
    columns.found |= known & set(names)
    columns.note(set(names) - known)
    return names


@contextmanager
def _open(piece: Piece) -> Iterator[BinaryIO]:
    with open_binary(place(piece.file.content)) as raw:
        yield io.BufferedReader(gzip.GzipFile(fileobj=raw), _CHUNK) if piece.file.is_packed else raw


def _chunks(stream: BinaryIO, stop: int) -> Iterator[bytes]:
    """Whole lines from the current position to the end of the line that holds byte `stop` - 1 (-1: to the end)."""
    carry = b""
    left = -1 if stop < 0 else max(0, stop - stream.tell())
    while left:
        data = stream.read(_CHUNK if left < 0 else min(_CHUNK, left))
        left = left if left < 0 else left - len(data)
        if not data:
            break
        text = carry + data
        cut = text.rfind(b"\n") + 1
        if not cut and len(text) > _CHUNK + _LINE:
            raise NotPlain("a line without end")
        if cut:
            yield text[:cut]
        carry = text[cut:]
    if stop >= 0 and carry:
        rest = stream.readline(_LINE)
        if len(rest) == _LINE:
            raise NotPlain("a line of unreasonable length")
        carry += rest
    if carry:
        yield carry


def _checked(chunk: bytes) -> np.ndarray:
    """The chunk as an array. NotPlain: not UTF-8, or zero bytes."""
    if not chunk.isascii():
        chunk.decode()  # UnicodeDecodeError is a ValueError
    text = np.frombuffer(chunk, dtype=np.uint8)
    if b"\0" in chunk:
        raise NotPlain("zero bytes")
    return text


def _at_line(stream: BinaryIO, piece: Piece) -> None:
    """Move to the first line that begins at or after the piece's first byte."""
    stream.seek(piece.first - 1)
    if not stream.readline(_LINE).endswith(b"\n"):
        raise NotPlain("a line of unreasonable length")


def _csv(dataset: Dataset, piece: Piece, columns: PieceColumns) -> Iterator[Batch]:
    with _open(piece) as stream:
        head = stream.read(_HEADER)
        names, length = csv_header(head)
        _note(dataset, names, columns)
        place = {f.name: i for i, f in enumerate(dataset.fields)}
        field_of = np.array([place.get(name, -1) for name in names], dtype=np.int64)
        header = head[:length]
        if piece.first > length:
            _at_line(stream, piece)
        else:
            stream.seek(length)
        for chunk in _chunks(stream, piece.last):
            yield _csv_batch(dataset, chunk, header, field_of)


def _csv_batch(dataset: Dataset, chunk: bytes, header: bytes, field_of: np.ndarray) -> Batch:
    text = _checked(chunk)
    most, fields = chunk.count(b"\n") + 1, len(dataset.fields)
    starts, ends = np.zeros((fields, most), np.int64), np.zeros((fields, most), np.int64)
    lines, odd = np.zeros((most, 2), np.int64), np.zeros(most, np.uint8)
    rows, shape = csv_cells(text, len(field_of), field_of, starts, ends, lines, odd)
    if shape != PLAIN:
        raise NotPlain("quotes or line ends that are not plain")
    odd[:rows] |= (lines[:rows, 1] - lines[:rows, 0] > _LINE).astype(np.uint8)

    def deliver(chosen: np.ndarray) -> list[DeliveredRow]:
        return read_csv_lines(dataset, header, [chunk[a:b] for a, b in lines[chosen]])

    sources = {f.name: Spans(text, starts[i, :rows], ends[i, :rows]) for i, f in enumerate(dataset.fields)}
    return Batch(sources, odd[:rows], deliver)
