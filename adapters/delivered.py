"""Reading what a venue delivered: CSV rows, exact decimals, UTC times. DataError names file and row."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import IO

from engine.errors import DataError


def open_text(path: Path) -> IO[str]:
    """A text file, plain or gzipped by its name."""
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def csv_rows(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number from 1, row) of a CSV file that must have `columns`; others are left alone."""
    if not path.is_file():
        raise DataError(f"{path} is missing")
    try:
        with open_text(path) as file:
            reader = csv.DictReader(file)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path} lacks the column {missing[0]}")
            for number, row in enumerate(reader, 1):
                if any(row[c] is None for c in columns):
                    raise DataError(f"{path} row {number} is cut short; fetch the file again")
                yield number, row
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from None


def decimal(text: object, where: str) -> Decimal:
    """A finite decimal from text; a binary float is refused like anything else that is not text."""
    try:
        number = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise DataError(f"{where}: {text!r} is not a decimal")
    return number


def plain(number: Decimal) -> str:
    """Text without exponent and without idle zeros: 1E-5 is 0.00001, 26500.0 is 26500."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def decimals(number: Decimal) -> int:
    """How many decimals it takes to write the number: 1 for 1.50, 0 for 300."""
    return len(plain(number).partition(".")[2])


def step(places: int) -> str:
    """The step of numbers with that many decimals: 0.01 for 2, 1 for 0."""
    return plain(Decimal(1).scaleb(-places))


def utc_text(text: str, where: str) -> str:
    """An ISO time with Z or +00:00 as YYYY-MM-DDTHH:MM:SS.ffffffZ."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"{where}: {text!r} is not a time") from None
    if moment.tzinfo is None or moment.utcoffset():
        raise DataError(f"{where}: {text!r} does not say that it is UTC")
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def utc_text_of_ms(ms: int) -> str:
    """Integer milliseconds since the epoch as YYYY-MM-DDTHH:MM:SS.ffffffZ."""
    second = datetime.fromtimestamp(ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{second}.{ms % 1000:03d}000Z"
