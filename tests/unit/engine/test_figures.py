"""Decimals for people: exact, unless the name of the function says that it rounds."""

import pytest

from lossledger.engine.figures import exact, percent, rounded, text_table
from lossledger.engine.numbers import E18


@pytest.mark.parametrize(
    ("value_e18", "places", "text"),
    [
        (0, 0, "0"),
        (0, 6, "0"),
        (1, 0, "0.000000000000000001"),
        (-1, 2, "-0.000000000000000001"),
        (1_234_567 * E18 + E18 // 2, 0, "1,234,567.5"),
        (1_234_567 * E18 + E18 // 2, 6, "1,234,567.500000"),
        (-12 * E18, 0, "-12"),
        (10**38 - 1, 0, "99,999,999,999,999,999,999.999999999999999999"),
        (None, 0, "n/a"),
    ],
)
def test_exact_shows_every_digit(value_e18: int | None, places: int, text: str) -> None:
    assert exact(value_e18, places) == text


@pytest.mark.parametrize(
    ("value_e18", "places", "text"),
    [
        (E18 // 2, 0, "0"),  # half to even
        (3 * E18 // 2, 0, "2"),
        (-1_234_565 * E18 // 1000, 2, "-1,234.56"),
        (-E18 // 1000, 2, "0.00"),
    ],
)
def test_rounded_is_half_to_even(value_e18: int, places: int, text: str) -> None:
    assert rounded(value_e18, places) == text


def test_percent() -> None:
    assert [percent(1, 3), percent(-1, 3), percent(0, 5), percent(0, 0)] == ["33.3%", "-33.3%", "0.0%", "-"]


def test_table_lines_up() -> None:
    assert text_table([["rule", "charge"], ["adl_queue", "1,000.5"], ["none", "-"]]) == [
        "rule        charge",
        "adl_queue  1,000.5",
        "none             -",
    ]
