"""Splits a delivery into pieces for tasks: whole small files, row groups or byte ranges of large ones."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from lossledger.store.places import open_parquet, place
from lossledger.store.thresholds import TASK_BYTES

_OPENING = 1 << 14  # bytes that opening a file costs as much as
_PACKED = 6  # bytes of text in a byte of a Parquet or gzipped file, about


class SourceFile(NamedTuple):
    """A file of a delivery: `path` as landed, `content` where the bytes that were hashed are kept."""

    path: str
    content: str
    size: int

    @property
    def is_parquet(self) -> bool:
        return self.path.endswith(".parquet")

    @property
    def is_csv(self) -> bool:
        return self.path.removesuffix(".gz").endswith(".csv")

    @property
    def is_packed(self) -> bool:
        return self.path.endswith((".gz", ".parquet"))

    @property
    def weight(self) -> int:
        return self.size * (_PACKED if self.is_packed else 1)


class Piece(NamedTuple):
    """Row groups (Parquet) or bytes `first` to before `last` of a file; all of it when `last` is -1.

    Pieces are numbered in order of file path and place, from 0 on over a delivery.
    """

    number: int
    file: SourceFile
    first: int = 0
    last: int = -1

    @property
    def is_whole(self) -> bool:
        return self.last < 0


def pieces_of(files: Sequence[SourceFile]) -> list[Piece]:
    """The pieces of a delivery; `files` in order of their paths."""
    pieces: list[Piece] = []
    for file in files:
        for first, last in _ranges(file):
            pieces.append(Piece(len(pieces), file, first, last))
    return pieces


def _ranges(file: SourceFile) -> Iterator[tuple[int, int]]:
    if file.weight > TASK_BYTES and file.is_parquet:
        yield from _row_groups(file)
    elif file.weight <= TASK_BYTES or file.is_packed or not file.is_csv:
        yield 0, -1
    else:
        for first in range(0, file.size, TASK_BYTES):
            yield first, min(first + TASK_BYTES, file.size)


def _row_groups(file: SourceFile) -> Iterator[tuple[int, int]]:
    try:
        count = open_parquet(place(file.content)).metadata.num_row_groups
    except (pa.ArrowException, OSError):  # the reader reports the error
        yield 0, -1
        return
    each = max(1, count * TASK_BYTES // file.weight)
    if each >= count:
        yield 0, -1
        return
    for first in range(0, count, each):
        yield first, min(first + each, count)


def task_pieces(pieces: Sequence[Piece], most: int = TASK_BYTES) -> Iterator[list[Piece]]:
    """Pieces by task: each part of a large file alone, small files together up to a weight."""
    together: list[Piece] = []
    weight = 0
    for piece in pieces:
        if together and (not piece.is_whole or weight + piece.file.weight > most):
            yield together
            together, weight = [], 0
        together.append(piece)
        weight += piece.file.weight + _OPENING
        if not piece.is_whole:
            yield together
            together, weight = [], 0
    if together:
        yield together
