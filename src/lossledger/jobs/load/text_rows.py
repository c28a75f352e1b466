"""Rows of CSV and JSON lines, one at a time: memory holds a row, never a file."""

import csv
import json
import re
from collections.abc import Iterator
from typing import TextIO

from lossledger.jobs.load.delivered_rows import DeliveredRow, FileColumns, row_text, shortened, standing_twice

MAX_ROW = 1 << 20  # characters; of a longer row no more is held
MAX_DEPTH = 64  # levels of nesting in a field
_SURROGATE = re.compile("[\ud800-\udfff]")
csv.field_size_limit(MAX_ROW)


class _Lines:
    """The lines of a text. A row that is too long is truncated, and `cut` is True until the next row."""

    def __init__(self, text: TextIO, quotes: bool) -> None:
        self._text, self._quotes = text, quotes
        self._left, self.cut = MAX_ROW, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        if len(line) > self._left:
            self._skip(line)
            line, self.cut = line[: self._left], True
        self._left -= len(line)
        if not line.isascii() and _SURROGATE.search(line):  # how bytes that are no UTF-8 are decoded
            raise ValueError("not UTF-8")
        return line

    def next_row(self) -> None:
        self._left, self.cut = MAX_ROW, False

    def _skip(self, line: str) -> None:
        """Skip the rest of a line. ValueError: with quotes open, the end of the row is unknown."""
        if self._quotes and self._left < MAX_ROW:
            raise ValueError(f"longer than {MAX_ROW:,} characters")
        while line and not line.endswith(("\n", "\r")):
            if self._quotes and '"' in line:
                raise ValueError(f"longer than {MAX_ROW:,} characters")
            line = self._text.readline(MAX_ROW)

    def faults(self) -> tuple[str, ...]:
        return (f"longer than {MAX_ROW:,} characters",) if self.cut else ()


def csv_rows(text: TextIO, columns: FileColumns) -> Iterator[DeliveredRow]:
    """The data rows below the header. Blank lines are none. csv.Error, ValueError."""
    lines = _Lines(text, quotes=True)
    header: list[str] | None = None
    for record in csv.reader(lines, strict=True):
        faults = lines.faults()
        lines.next_row()
        if not record:
            continue
        if header is None:
            header = record
            columns.set_header(header)
            continue
        row: dict[str, object] = dict(zip(header, record, strict=False))
        if len(record) > len(header):
            faults = (*faults, "more fields than the header")
            row["_surplus_fields"] = record[len(header) :]  # shown in the row's text only
        yield DeliveredRow(row, row_text(row), faults)
    if header is None:
        columns.set_header([])


class _TopLevel:
    """Records repeated names of an object. The last object that is built is the outermost."""

    twice: tuple[str, ...] = ()

    def __call__(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        built = dict(pairs)
        self.twice = ()
        if len(built) < len(pairs):
            self.twice = tuple(standing_twice(name for name, _ in pairs)[:5])
        return built


def json_rows(text: TextIO, columns: FileColumns) -> Iterator[DeliveredRow]:
    """A row per line that is not blank. ValueError: a line is no JSON object."""
    top = _TopLevel()
    decoder = json.JSONDecoder(
        object_pairs_hook=top, parse_float=str, parse_int=_whole, parse_constant=str, strict=False
    )
    lines = _Lines(text, quotes=False)
    columns.in_rows = True
    understood = False  # whether any row was: of a file in which none was, no column is known
    for line in lines:
        faults = lines.faults()
        lines.next_row()
        if not line.strip():
            continue
        row: object = {}
        if not faults:
            try:
                row = decoder.decode(line)
            except RecursionError:
                faults = (_DEEP,)
        if not isinstance(row, dict):
            raise ValueError("a line is not a JSON object")
        if not faults and line.count("{") + line.count("[") > MAX_DEPTH and _is_deep(row):
            faults = (_DEEP,)
        if not faults and top.twice:
            faults = tuple(f"{shortened(name, 100)!r} stands twice" for name in top.twice)
        if faults:
            yield DeliveredRow({}, shortened(line.rstrip("\r\n")), faults)
            continue
        understood = True
        columns.add(row)
        yield DeliveredRow(row, row_text(row))
    if understood:
        columns.require()


_DEEP = f"nested deeper than {MAX_DEPTH} levels"


def _is_deep(row: object) -> bool:
    level: list[object] = [row]
    for _ in range(MAX_DEPTH + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


def _whole(text: str) -> object:
    """A number that no field can take stays text: to make an integer of it costs the square of its length."""
    return int(text) if len(text) <= 40 else text
