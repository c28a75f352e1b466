"""Whole ledger units, rounding, and what is effective when (rules.md section 1)."""

import pytest

from lossledger.engine.numbers import ceil_div, round_half_even_div
from lossledger.engine.versions import Versions
from tests.spec.tables import expect, instant, parse, session


@pytest.mark.parametrize(
    "row",
    parse("""
        numerator | denominator | rounded | ceiling
        5         | 2           | 2       | 3
        7         | 2           | 4       | 4
        -5        | 2           | -2      | -2
        -7        | 2           | -4      | -3
        1         | 3           | 0       | 1
        -1        | 3           | 0       | 0
        2         | 3           | 1       | 1
        6         | 3           | 2       | 2
    """),
    ids=lambda r: f"{r['numerator']}/{r['denominator']}",
)
def test_rounding(row: dict[str, str]) -> None:
    """Half to the even number; ceil toward +infinity, for negative numbers too."""
    n, d = int(row["numerator"]), int(row["denominator"])
    assert (round_half_even_div(n, d), ceil_div(n, d)) == (int(row["rounded"]), int(row["ceiling"]))


@pytest.mark.parametrize(
    "row",
    parse("""
        at           | effective
        08:59:59     |
        09:00        | first
        11:59:59.999 | first
        12:00        | second
        23:00        | second
    """),
    ids=lambda r: r["at"],
)
def test_a_version_holds_from_its_time_on(row: dict[str, str]) -> None:
    """To the microsecond, until the next one; before the first one a thing is unknown."""
    versions = Versions([(instant("12:00"), "second"), (instant("09:00"), "first")])
    assert versions.at(instant(row["at"])) == (row["effective"] or None)


def test_a_policy_is_read_at_the_time_of_the_event() -> None:
    """The withdrawal leaves equity and margin both at 5; that is a breach only from noon on."""
    result = session(
        """
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 5
        09:00 | fill     |        | buy  | 1        | 1000
        11:59 | tick     |        |      |          | 1000
        12:00 | tick     |        |      |          | 1000
        13:00 | fill     |        | sell | 1        | 1000
        """,
        later=[{"valid_from": "2025-10-10T12:00:00Z", "trigger": "lte"}],
    )
    expect(
        result,
        "liquidations",
        "triggered_at | equity_at_trigger | maintenance_margin_at_trigger\n 12:00 | 5 | 5",
    )
