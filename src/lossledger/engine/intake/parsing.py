"""Text and typed fields as delivered, into exact integers (inputs.md). Anything else is Unparsable."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from lossledger.engine.clock import day_start_us, from_datetime

MAX_FIELD = 4096  # characters of a field
MAX_DIGITS = 20  # integer digits that fit DECIMAL(38,18)
_DECIMAL = re.compile(r"([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})(?:T(\d{2}:\d{2}(?::\d{2})?)(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)
FIRST_MICROS, LAST_MICROS = 10**14, 10**17  # of whole numbers that are times: 1973 to 5138
_WHOLE = re.compile(r"[+-]?\d{1,40}", re.ASCII)
_OTHER_UNITS = {"seconds": 10**8, "milliseconds": 10**11, "nanoseconds": LAST_MICROS}  # and from when on
_SURROGATE = re.compile("[\ud800-\udfff]")


class Unparsable(Exception):
    """The field cannot be read as its type; the message says why."""


class Moment(int):
    """Microseconds since the epoch from a column that is typed as a time: of any size they are a time."""


def shown(value: object) -> str:
    """A value as an error tells it: on one line, every control character escaped, no longer than is of use."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of very many digits"
    return text if len(text) <= 100 else f"{text[:100]}…"


def parse_decimal_e18(value: object) -> int:
    """A decimal as an exact integer of 10^-18. Binary floats, NaN and infinities are Unparsable."""
    if isinstance(value, (bool, float)):
        raise Unparsable(f"{shown(value)} is not a decimal")
    if isinstance(value, int):
        text = str(value) if abs(value) < 10**MAX_FIELD else "1e9999"
    elif isinstance(value, Decimal):
        text = format(value, "E") if value.is_finite() else "NaN"
    elif isinstance(value, str):
        text = value
    else:
        raise Unparsable(f"{shown(value)} is not a decimal")
    match = _DECIMAL.fullmatch(text) if len(text) <= MAX_FIELD else None
    if not match or not (match[2] or match[3]):
        raise Unparsable(f"{shown(text)} is not a decimal")
    sign, whole, fraction, exponent = match[1], match[2] or "", match[3] or "", int(match[4] or 0)
    number = int(whole + fraction or "0")
    shift = 18 - len(fraction) + exponent
    if number == 0:
        return 0
    if shift > 60:
        raise Unparsable(f"{shown(text)} has more than {MAX_DIGITS} integer digits")
    if shift < 0:
        number, rest = divmod(number, 10**-shift) if -shift <= len(whole) + len(fraction) else (0, 1)
        if rest:
            raise Unparsable(f"{shown(text)} has more than 18 decimals")
    else:
        number *= 10**shift
    if number >= 10 ** (18 + MAX_DIGITS):
        raise Unparsable(f"{shown(text)} has more than {MAX_DIGITS} integer digits")
    return -number if sign == "-" else number


def parse_time_us(value: object) -> int:
    """Microseconds since the epoch from ISO-8601 with Z or +00:00, a date alone, integer microseconds or a datetime."""
    if isinstance(value, bool):
        raise Unparsable(f"{shown(value)} is not a time")
    if isinstance(value, Moment):
        return _in_range(value)
    if isinstance(value, int):
        return _micros(value, value)
    if isinstance(value, datetime):
        return from_datetime(value)
    if isinstance(value, date):
        return day_start_us(value)
    if not isinstance(value, str):
        raise Unparsable(f"{shown(value)} is not a time")
    if _WHOLE.fullmatch(value):
        return _micros(int(value), value)
    return _parse_iso(value)


def _parse_iso(value: str) -> int:
    match = _TIME.fullmatch(value)
    if not match:
        raise Unparsable(f"{shown(value)} is not an ISO-8601 time with Z")
    if match[2] and not match[4]:
        raise Unparsable(f"{shown(value)} has no zone: end it with Z")
    if match[2] and match[4] not in ("Z", "+00:00"):
        raise Unparsable(f"{shown(value)} is not in UTC: deliver it in UTC, with Z at its end")
    fraction = match[3] or ""
    if fraction[6:].strip("0"):
        raise Unparsable(f"{shown(value)} is finer than a microsecond")
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2] or '00:00'}").replace(tzinfo=UTC)
    except ValueError:
        raise Unparsable(f"{shown(value)} is not a time") from None
    return from_datetime(moment) + int(fraction[:6].ljust(6, "0"))


def _in_range(ts: Moment) -> int:
    if not -62_135_596_800_000_000 <= ts < 253_402_300_800_000_000:  # years 1 to 9999
        raise Unparsable(f"{shown(ts)} is not a time")
    return int(ts)


def _micros(number: int, value: object) -> int:
    """A whole number as microseconds. Unparsable: by its size it is another unit's, and silently another year's."""
    if FIRST_MICROS <= number <= LAST_MICROS:
        return number
    units = [unit for unit, first in _OTHER_UNITS.items() if number >= first]
    seems = f": it seems to be in {units[-1]}" if units else ""
    raise Unparsable(f"{shown(value)} is not a time in microseconds{seems}")


def parse_bool(value: object) -> bool:
    """`true` or `false`."""
    if isinstance(value, bool):
        return value
    if value == "true":
        return True
    if value == "false":
        return False
    raise Unparsable(f"{shown(value)} is not a boolean: expected true or false")


def parse_text(value: object) -> str:
    """Text as it is; a number in JSON or Parquet is its plain text."""
    if isinstance(value, str):
        if not value.isascii() and _SURROGATE.search(value):
            raise Unparsable(f"{shown(value)} is not text: half a surrogate pair")
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise Unparsable(f"{shown(value)} is not text")
