"""Exact numbers and times: rounding, decimals and instants (rules.md section 1, inputs.md)."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.clock import day_of, day_start_us, from_datetime, iso, to_datetime
from lossledger.engine.intake.parsing import (
    Moment,
    Unparsable,
    parse_bool,
    parse_decimal_e18,
    parse_text,
    parse_time_us,
)
from lossledger.engine.numbers import e18_to_units, round_half_even_div, units_to_e18

E18 = 10**18


@given(st.integers(-(10**40), 10**40), st.integers(1, 10**40))
def test_rounding_is_that_of_decimal_arithmetic(n: int, d: int) -> None:
    quotient, rest = divmod(n, d)
    nearest = round_half_even_div(n, d)
    assert nearest in (quotient, quotient + 1)
    assert abs(nearest * d - n) * 2 <= d
    if rest * 2 == d:
        assert nearest % 2 == 0


@given(st.integers(-(10**19), 10**19), st.integers(0, 18))
def test_units_are_decimals_of_the_scale(units: int, scale: int) -> None:
    assert e18_to_units(units_to_e18(units, scale), scale) == units
    if scale < 18:
        with pytest.raises(ValueError, match="finer than a ledger unit"):
            e18_to_units(units_to_e18(units, scale) + 1, scale)


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        ("1", E18),
        ("1.0", E18),
        ("+1", E18),
        ("-0.000000000000000001", -1),
        (".5", E18 // 2),
        ("5.", 5 * E18),
        ("1e-2", E18 // 100),
        ("1.5E+3", 1500 * E18),
        ("-0", 0),
        ("0e999", 0),
        ("1.00000000000000000000000", E18),
        ("99999999999999999999.999999999999999999", 10**38 - 1),
        (7, 7 * E18),
        (Decimal("0.10"), E18 // 10),
        (Decimal("1E+2"), 100 * E18),
    ],
)
def test_decimals(delivered: object, expected: int) -> None:
    assert parse_decimal_e18(delivered) == expected


@pytest.mark.parametrize(
    "delivered",
    [
        *[
            "",
            " 1",
            "1 ",
            "1,5",
            "1_000",
            "0x1",
            "NaN",
            "inf",
            "-Infinity",
            "1e",
            "e5",
            ".",
            "--1",
            "１",
            "½",
        ],
        *["1e-19", "0.0000000000000000001", "100000000000000000000", "1e20", "1e9999", "1" * 4000],
        *[1.5, 1.0, True, None, [], Decimal("NaN"), Decimal("Infinity")],
    ],
    ids=lambda value: f"{value!r:.30}",
)
def test_what_is_no_decimal(delivered: object) -> None:
    """A binary float is none; nor is what DECIMAL(38,18) cannot hold exactly."""
    with pytest.raises(Unparsable):
        parse_decimal_e18(delivered)


@given(st.integers(1 - 10**38, 10**38 - 1))
def test_text_of_a_decimal_is_read_back(value_e18: int) -> None:
    """Plain or with an exponent, as Python writes it."""
    digits = tuple(int(digit) for digit in str(abs(value_e18)))
    value = Decimal((int(value_e18 < 0), digits, -18))
    assert parse_decimal_e18(format(value, "f")) == parse_decimal_e18(str(value)) == value_e18


NOON = 1_760_097_600_000_000  # 2025-10-10T12:00:00Z


@pytest.mark.parametrize(
    ("delivered", "expected"),
    [
        ("2025-10-10T12:00:00Z", NOON),
        ("2025-10-10T12:00Z", NOON),
        ("2025-10-10T12:00:00.5Z", NOON + 500_000),
        ("2025-10-10T12:00:00.000001Z", NOON + 1),
        ("2025-10-10T12:00:00.000001000Z", NOON + 1),
        ("2025-10-10T12:00:00+00:00", NOON),
        ("2025-10-10T12:00+00:00", NOON),
        ("2025-10-10T12:00:00.123+00:00", NOON + 123_000),
        ("2025-10-10", NOON - 12 * 3_600_000_000),
        ("1760097600000000", NOON),
        (NOON, NOON),
        (date(2025, 10, 10), NOON - 12 * 3_600_000_000),
        (datetime(2025, 10, 10, 12, tzinfo=UTC), NOON),
        (datetime(2025, 10, 10, 21, tzinfo=timezone(timedelta(hours=9))), NOON),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_times(delivered: object, expected: int) -> None:
    assert parse_time_us(delivered) == expected


@pytest.mark.parametrize(
    "delivered",
    [
        *["", "2025-10-10T12:00:00", "2025-10-10T12:00:00+02:00", "2025-10-10 12:00:00Z", "10.10.2025"],
        *[
            "2025-10-10T12:00:00-00:00",
            "2025-10-10T12:00:00+0000",
            "2025-10-10+00:00",
            "2025-10-10T12:00:00Z+00:00",
        ],
        *["2025-02-30", "2025-10-10T24:00:00Z", "2025-10-10T12:00:60Z", "2025-10-10T12:00:00.0000001Z"],
        *["12:00Z", "999999999999999999", "1.5", 10**30, 1.5, True, None],
    ],
    ids=repr,
)
def test_what_is_no_time(delivered: object) -> None:
    """Without Z it says no zone, and finer than a microsecond is no instant of the ledger."""
    with pytest.raises(Unparsable):
        parse_time_us(delivered)


@pytest.mark.parametrize(
    ("delivered", "why"),
    [
        ("2025-10-10T12:00:00", "has no zone: end it with Z"),
        ("2025-10-10T12:00:00.5", "has no zone: end it with Z"),
        ("2025-10-10T12:00:00+02:00", "is not in UTC"),
        ("2025-10-10 12:00:00", "is not an ISO-8601 time with Z"),
    ],
)
def test_why_a_time_is_not_taken(delivered: str, why: str) -> None:
    with pytest.raises(Unparsable, match=why):
        parse_time_us(delivered)


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (1_577_836_800, "seems to be in seconds"),
        (1_577_836_800_000, "seems to be in milliseconds"),
        (1_577_836_800_000_000_000, "seems to be in nanoseconds"),
        (10**14 - 1, "seems to be in milliseconds"),
        (10**17 + 1, "seems to be in nanoseconds"),
        (0, "is not a time in microseconds"),
        (-NOON, "is not a time in microseconds"),
    ],
)
def test_whole_numbers_of_another_unit_are_no_times(number: int, why: str) -> None:
    """Milliseconds as microseconds would be in January 1970, without a word."""
    for delivered in (number, str(number)):
        with pytest.raises(Unparsable, match=why):
            parse_time_us(delivered)


def test_whole_numbers_at_both_ends_of_the_range_are_times() -> None:
    for number in (10**14, 10**17):
        assert parse_time_us(number) == parse_time_us(str(number)) == parse_time_us(Moment(number)) == number


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_written_and_read_back(moment: datetime) -> None:
    """From year 1 to 9999."""
    ts = from_datetime(moment)
    assert parse_time_us(iso(ts)) == ts == from_datetime(to_datetime(ts))
    assert day_of(ts) == moment.date()
    assert day_start_us(day_of(ts)) <= ts < day_start_us(day_of(ts)) + 86_400_000_000


@pytest.mark.parametrize(("delivered", "expected"), [("true", True), ("false", False), (True, True)])
def test_booleans(delivered: object, expected: bool) -> None:
    assert parse_bool(delivered) is expected


@pytest.mark.parametrize("delivered", ["True", "1", "yes", "", 1, 0, None])
def test_what_is_no_boolean(delivered: object) -> None:
    with pytest.raises(Unparsable, match="expected true or false"):
        parse_bool(delivered)


def test_numbers_are_text_where_text_is_meant() -> None:
    """An id that JSON or Parquet delivers as a number; a float or a truth is none."""
    assert (parse_text(7), parse_text("007")) == ("7", "007")
    for value in (1.5, True, None):
        with pytest.raises(Unparsable):
            parse_text(value)
