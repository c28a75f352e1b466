"""Reading what a venue delivered: CSV rows, exact decimals, UTC times. DataError names file and row."""

import csv
import gzip
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from io import TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from lossledger.engine.errors import DataError

DAMAGE = (OSError, EOFError, UnicodeDecodeError, BadZipFile, zlib.error, csv.Error)


def open_text(path: Path) -> IO[str]:
    """A text file as the venue delivered it: plain, or compressed with gzip, LZ4 or zip by its name.

    ModuleNotFoundError: LZ4 needs the extra `adapters`. DataError: a zip file without exactly one member.
    """
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    if path.suffix == ".lz4":
        import lz4.frame

        return TextIOWrapper(lz4.frame.open(path, "rb"), encoding="utf-8", newline="")
    if path.suffix == ".zip":
        return TextIOWrapper(_only_member(path), encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _only_member(path: Path) -> IO[bytes]:
    archive = ZipFile(path)
    if len(archive.namelist()) != 1:
        raise DataError(f"{path} holds {len(archive.namelist())} files instead of one; fetch it again")
    return archive.open(archive.namelist()[0])


@contextmanager
def reading(path: Path) -> Iterator[IO[str]]:
    """`open_text`, with whatever a damaged file raises while it is read as one DataError."""
    try:
        with open_text(path) as file:
            yield file
    except DAMAGE as error:
        raise DataError(f"{path} is damaged ({error}); fetch it again") from None
    except RuntimeError as error:  # what LZ4 and an encrypted zip file raise
        raise DataError(f"{path} cannot be unpacked ({error}); fetch it again") from None


def csv_rows(
    path: Path, columns: Sequence[str], order: Sequence[str] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """(row number from 1, row) of a CSV file that must have `columns`; others are left alone.

    `order` names the columns of a file without a header: it is used when the first cell is a number.
    """
    if not path.is_file():
        raise DataError(f"{path} is missing")
    with reading(path) as file:
        rows: Iterator[list[str]] = (row for row in csv.reader(file) if row)
        names = first = next(rows, [])
        if order and first and first[0].isdigit():
            names, rows = list(order), chain([first], rows)
        missing = [c for c in columns if c not in names]
        if missing:
            raise DataError(f"{path} lacks the column {missing[0]}")
        needed = max((names.index(c) for c in columns), default=-1)
        for number, row in enumerate(rows, 1):
            if len(row) <= needed:
                raise DataError(f"{path} row {number} is cut short; fetch the file again")
            yield number, dict(zip(names, row, strict=False))


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
    return places(plain(number))


def places(text: str) -> int:
    """How many decimals a number in plain text has."""
    return len(text.partition(".")[2])


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
    return _utc_text_of_us(ms * 1000)


def utc_text_of_epoch(text: str, where: str) -> str:
    """Milliseconds (13 digits) or microseconds (16 digits) since the epoch as YYYY-MM-DDTHH:MM:SS.ffffffZ."""
    if not (text.isdecimal() and text.isascii() and len(text) in (13, 16)):
        raise DataError(f"{where}: {text!r} is no time in milliseconds or microseconds since the epoch")
    return _utc_text_of_us(int(text) * (1000 if len(text) == 13 else 1))


def _utc_text_of_us(us: int) -> str:
    return f"{_second(us // 1_000_000)}.{us % 1_000_000:06d}Z"


@lru_cache(1024)  # fills of one second come together
def _second(since_epoch: int) -> str:
    return datetime.fromtimestamp(since_epoch, UTC).strftime("%Y-%m-%dT%H:%M:%S")
