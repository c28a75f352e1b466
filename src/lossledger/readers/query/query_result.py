"""A query's rows as text for people and programs: every digit of a decimal, and no more zeros than its currency has."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import duckdb
import pyarrow.parquet as pq

from lossledger.engine.errors import ConfigError
from lossledger.readers.query.interruption import run_interruptible
from lossledger.schemas.core import Type
from lossledger.schemas.registry import TABLES
from lossledger.store.creation import whole

_ROWS = 5000  # fetched at once
# Prices, quantities and rates are not money: the decimals of a currency's ledger unit do not apply to them.
_NO_MONEY = frozenset(
    column.name
    for table in TABLES.values()
    for column in table.columns
    if column.type is Type.DECIMAL and column.unit != "currency"
)


class CsvRows(Protocol):
    """Rows that can be written as CSV: column names and rows of text."""

    names: list[str]

    def rows(self) -> Iterable[Sequence[Any]]: ...


@dataclass
class Result:
    """An executed query; rows are fetched lazily."""

    database: duckdb.DuckDBPyConnection
    names: list[str]
    types: list[str]
    scales: Mapping[str, int]

    @classmethod
    def of(cls, database: duckdb.DuckDBPyConnection, scales: Mapping[str, int]) -> "Result":
        described = database.description or []
        return cls(database, [d[0] for d in described], [str(d[1]) for d in described], scales)

    def rows(self) -> Iterator[Sequence[Any]]:
        """Rows with decimals, dates and times as text; other values unchanged."""
        currency = self.names.index("currency") if "currency" in self.names else None
        while fetched := run_interruptible(self.database, self.database.fetchmany, _ROWS):
            for row in fetched:
                scale = self.scales.get(row[currency], 0) if currency is not None else 0
                yield [
                    to_plain(value, 0 if name in _NO_MONEY else scale)
                    for name, value in zip(self.names, row, strict=True)
                ]


def to_plain(value: Any, places: int = 0) -> Any:
    """A value as text, number or truth value: decimals with at least `places` decimals, times in UTC."""
    if isinstance(value, Decimal) and value.is_finite():
        return pad_decimals(f"{value:f}", places)
    if isinstance(value, datetime):
        text = value.isoformat(sep="T", timespec="microseconds" if value.microsecond else "seconds")
        return text.replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(to_plain(key)): to_plain(inner, places) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(inner, places) for inner in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def pad_decimals(text: str, places: int) -> str:
    """All digits of a decimal, with at least `places` after the point."""
    whole, _, rest = text.partition(".")
    rest = rest.rstrip("0").ljust(places, "0")
    return f"{whole}.{rest}" if rest else whole


def table_lines(result: Result) -> Iterator[str]:
    """Aligned columns: numbers to the right with their decimal points aligned; null is an empty cell."""
    rows = [[_cell(value) for value in row] for row in result.rows()]
    for place, kind in enumerate(result.types):
        if kind.startswith("DECIMAL"):
            _line_up(rows, place)
    order = [kind.startswith(("DECIMAL", "BIGINT", "HUGEINT", "INTEGER", "DOUBLE")) for kind in result.types]
    widths = [max(len(row[n]) for row in [result.names, *rows]) for n in range(len(result.names))]
    for row in [result.names, ["-" * width for width in widths], *rows]:
        cells = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, order, strict=True)
        ]
        yield "  ".join(cells).rstrip()
    yield f"({len(rows):,} {'row' if len(rows) == 1 else 'rows'})"


def _line_up(rows: list[list[str]], place: int) -> None:
    """Pads with blanks, not zeros, so that decimal points line up."""
    tails = [len(row[place]) - len(row[place].split(".")[0]) for row in rows]
    for row, tail in zip(rows, tails, strict=True):
        row[place] += " " * (max(tails) - tail)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        value
        if isinstance(value, str)
        else json.dumps(value)
        if isinstance(value, dict | list)
        else str(value)
    )


def csv_lines(result: CsvRows) -> Iterator[str]:
    """RFC 4180 except for line ends; null is an empty cell, an empty text is quoted."""
    yield _csv(result.names)
    for row in result.rows():
        yield _csv([_cell(value) if value != "" else value for value in row])


def _csv(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()


def json_lines(result: Result) -> Iterator[str]:
    """One array with one object per row; decimals are text, so that no program reads them as binary floats."""
    before = "["
    for row in result.rows():
        yield before + json.dumps(dict(zip(result.names, row, strict=True)), ensure_ascii=False, default=str)
        before = ","
    yield "[]" if before == "[" else "]"


def write_parquet(result: Result, out: Path | BinaryIO | None) -> None:
    """Writes the rows with their own types in batches; a file gets its name when it is complete."""
    if out is None:
        raise ConfigError("Parquet is for no terminal: give --out FILE")
    reader = run_interruptible(result.database, result.database.to_arrow_reader, 1 << 16)
    place = whole(out) if isinstance(out, Path) else nullcontext(out)
    with place as writing, pq.ParquetWriter(writing, reader.schema) as writer:
        while batch := run_interruptible(result.database, next, reader, None):
            writer.write_batch(batch)


FORMATS: dict[str, Callable[[Result], Iterator[str]]] = {
    "table": table_lines,
    "csv": csv_lines,
    "json": json_lines,
}
