"""Times: integer microseconds since 1970-01-01 UTC, and their text."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

DAY_US = 86_400_000_000
NEVER = 1 << 62  # after every timestamp; −NEVER is before every one
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = date(1970, 1, 1).toordinal()


def day_start_us(day: date) -> int:
    """00:00 UTC of a date."""
    return (day.toordinal() - _EPOCH_DAY) * DAY_US


def day_of(ts: int) -> date:
    """The UTC date of a timestamp."""
    return date.fromordinal(ts // DAY_US + _EPOCH_DAY)


@lru_cache(maxsize=64)  # the ids of an episode's rows are made of one time
def iso(ts: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ`, the form used in keys (rules.md section 13)."""
    return to_datetime(ts).isoformat(timespec="microseconds").replace("+00:00", "Z")


def to_datetime(ts: int) -> datetime:
    """The timestamp as an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=ts)


def from_datetime(moment: datetime) -> int:
    """Microseconds of an aware datetime (a naive one is taken as UTC)."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // timedelta(microseconds=1)
