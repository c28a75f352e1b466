"""Text and typed fields as delivered, into exact integers (inputs.md). Anything else is Unparsable."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from engine.clock import day_start_us, from_datetime

MAX_DIGITS = 20  # integer digits that fit DECIMAL(38,18)
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?Z)?", re.ASCII)
_MICROS = re.compile(r"[+-]?\d{1,18}", re.ASCII)


class Unparsable(Exception):
    """The field cannot be read as its type; the message says why."""


def parse_decimal_e18(value: object) -> int:
    """A decimal as an exact integer of 10^-18. Binary floats, NaN and infinities are Unparsable."""
    if isinstance(value, (bool, float)):
        raise Unparsable(f"{value!r} is not a decimal")
    if isinstance(value, int):
        text = str(value)
    elif isinstance(value, Decimal):
        text = format(value, "E") if value.is_finite() else "NaN"
    elif isinstance(value, str):
        text = value
    else:
        raise Unparsable(f"{value!r} is not a decimal")
    match = _DECIMAL.fullmatch(text)
    if not match or not (match[2] or match[3]):
        raise Unparsable(f"{text!r} is not a decimal")
    sign, whole, fraction, exponent = match[1], match[2] or "", match[3] or "", int(match[4] or 0)
    number = int(whole + fraction or "0")
    shift = 18 - len(fraction) + exponent
    if number == 0:
        return 0
    if shift > 60:
        raise Unparsable(f"{text!r} has more than {MAX_DIGITS} integer digits")
    if shift < 0:
        number, rest = divmod(number, 10**-shift) if -shift <= len(whole) + len(fraction) else (0, 1)
        if rest:
            raise Unparsable(f"{text!r} has more than 18 decimals")
    else:
        number *= 10**shift
    if number >= 10 ** (18 + MAX_DIGITS):
        raise Unparsable(f"{text!r} has more than {MAX_DIGITS} integer digits")
    return -number if sign == "-" else number


def parse_time_us(value: object) -> int:
    """Microseconds since the epoch from ISO-8601 with Z, a date alone, integer microseconds or a datetime."""
    if isinstance(value, bool):
        raise Unparsable(f"{value!r} is not a time")
    if isinstance(value, int):
        return _in_range(value, value)
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return day_start_us(value)
    if not isinstance(value, str):
        raise Unparsable(f"{value!r} is not a time")
    if _MICROS.fullmatch(value):
        return _in_range(int(value), value)
    match = _TIME.fullmatch(value)
    if not match:
        raise Unparsable(f"{value!r} is not an ISO-8601 time with Z")
    fraction = match[3] or ""
    if fraction[6:].strip("0"):
        raise Unparsable(f"{value!r} is finer than a microsecond")
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}").replace(tzinfo=UTC)
    except ValueError:
        raise Unparsable(f"{value!r} is not a time") from None
    return from_datetime(moment) + int(fraction[:6].ljust(6, "0"))


def _in_range(ts: int, shown: object) -> int:
    if not -62_135_596_800_000_000 <= ts < 253_402_300_800_000_000:  # years 1 to 9999
        raise Unparsable(f"{shown!r} is not a time")
    return ts


def parse_bool(value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    if value == "true":
        return True
    if value == "false":
        return False
    raise Unparsable(f"{value!r} is neither true nor false")


def parse_text(value: object) -> str:
    """Text as it is; a number in JSON or Parquet is its plain text."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unparsable(f"{value!r} is not text")
