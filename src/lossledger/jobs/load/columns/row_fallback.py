"""Reads single rows of a file as the reference reader does, for rows that are not plain."""

import csv
import io
from collections.abc import Sequence

import pyarrow as pa

from lossledger.jobs.load.delivered_rows import DeliveredRow, FileColumns
from lossledger.jobs.load.parquet_rows import batch_rows
from lossledger.jobs.load.text_rows import csv_rows
from lossledger.schemas.core import Dataset


def csv_header(head: bytes) -> tuple[list[str], int]:
    """The names in the header and its length in bytes. ValueError: the header is not plain."""
    at = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    while True:
        end = head.find(b"\n", at) + 1
        line = head[at:end].rstrip(b"\r\n")
        if not end or b"\r" in line or b"\0" in line:
            raise ValueError("no plain header")
        if line:
            break
        at = end
    try:
        [names] = csv.reader(io.StringIO(line.decode(), newline=""), strict=True)
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return names, end


def read_csv_lines(dataset: Dataset, header: bytes, lines: Sequence[bytes]) -> list[DeliveredRow]:
    """Data rows, one a line. ValueError when a line is not one row."""
    text = io.StringIO((header + b"\n".join(lines)).decode("utf-8-sig"), newline="")
    try:
        rows = list(csv_rows(text, FileColumns(dataset)))
    except csv.Error as error:
        raise ValueError(str(error)) from error
    if len(rows) != len(lines):
        raise ValueError("a line is not one row")
    return rows


def read_parquet_rows(batch: pa.RecordBatch, names: Sequence[str]) -> list[DeliveredRow]:
    """Rows of a Parquet file."""
    return list(batch_rows(batch, names))
