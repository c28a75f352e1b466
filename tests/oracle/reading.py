"""Files as rows: CSV, JSON lines and Parquet as they were delivered, and what is wrong with a line by itself."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
import sys
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tests.oracle.fields import DECIMAL_TEXT, LONGEST_FIELD, OracleError, Row


class Line(NamedTuple):
    """A data row as delivered, and the reasons for which it cannot be read as one."""

    values: Row
    faults: list[str]


class Pairs(list[tuple[str, Any]]):
    """The names and values of a JSON object in order, a name that stands twice included."""


def files_of(folder: Path) -> list[Path]:
    """The delivery in a folder, in order of path by code points."""
    if not folder.is_dir():
        return []
    return sorted(
        (p for p in folder.iterdir() if p.is_file() and p.name[0] not in "._"), key=lambda p: p.name
    )


def read_file(path: Path) -> tuple[set[str], list[Line]]:
    """The columns of a file and its rows; OracleError (3) when it is damaged or has a column twice."""
    try:
        if path.name.endswith(".parquet"):
            columns, rows = parquet_rows(path)
        else:
            raw = gzip.decompress(path.read_bytes()) if path.name.endswith(".gz") else path.read_bytes()
            columns, rows = text_rows(path.name, raw.decode("utf-8-sig"))
    except (OSError, EOFError, UnicodeError, pa.ArrowException, csv.Error) as error:
        raise OracleError(3, f"{path}: damaged: {error}") from error
    if len(set(columns)) < len(columns):
        raise OracleError(3, f"{path}: a column name stands twice in the header")
    return set(columns), [Line(row, faults + too_long(row)) for row, faults in rows]


def too_long(row: Row) -> list[str]:
    """Reasons for fields that are longer than a field may be."""
    return [
        f"{name} is longer than {LONGEST_FIELD} characters"
        for name, value in row.items()
        if isinstance(value, str) and len(value) > LONGEST_FIELD
    ]


def parquet_rows(path: Path) -> tuple[list[str], list[tuple[Row, list[str]]]]:
    """Columns and rows of a Parquet file, times in UTC."""
    table = pq.read_table(path, partitioning=None)
    for index, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            moments = table.column(index).cast(pa.timestamp("us", "UTC"))
            table = table.set_column(index, column.name, moments)
    return table.column_names, [(row, []) for row in table.to_pylist()]


def text_rows(name: str, text: str) -> tuple[list[str], list[tuple[Row, list[str]]]]:
    """Columns and rows of a CSV or of JSON lines."""
    if re.search(r"\.csv(\.gz)?$", name):
        header, *lines = csv_lines(text) or [[]]
        return header, [(dict(zip(header, fields, strict=False)), []) for fields in lines if fields]
    if re.search(r"\.(jsonl|json|ndjson)(\.gz)?$", name):
        rows = list(json_rows(text.split("\n")))
        return list({column: None for row, _ in rows for column in row}), rows
    raise OracleError(3, f"{name}: not a file type of a landing zone")


def csv_lines(text: str) -> list[list[str]]:
    """Every line of a CSV; no field is too long to be read."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    finally:
        csv.field_size_limit(before)


def json_rows(lines: Iterable[str]) -> Iterator[tuple[Row, list[str]]]:
    """Every line that is not blank; one that is no object is a row without values."""
    for line in lines:
        if not line.strip():
            continue
        try:
            pairs = json.loads(
                line,
                parse_float=json_number,
                parse_int=json_number,
                parse_constant=str,
                object_pairs_hook=Pairs,
            )
        except (ValueError, RecursionError):
            pairs = None
        if not isinstance(pairs, Pairs):
            yield {}, ["no JSON object"]
            continue
        names = [name for name, _ in pairs]
        twice = sorted({name for name in names if names.count(name) > 1})
        yield dict(pairs), [f"{name} stands twice" for name in twice]


def json_number(text: str) -> int | Decimal | float:
    """A number of JSON, exactly; what no field could be (too long, too large an exponent) is infinite."""
    if len(text) > LONGEST_FIELD or not DECIMAL_TEXT.fullmatch(text):
        return math.inf
    return int(text) if re.fullmatch(r"-?\d+", text) else Decimal(text)
