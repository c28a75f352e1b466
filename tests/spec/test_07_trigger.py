"""The liquidation trigger (rules.md section 7)."""

import pytest

from tests.spec.tables import Result, expect, session

ONE_PERCENT = """
    instrument | floor | rate
    P          | 0     | 0.01
"""
NOBODY = "account_id"
ELECTED = """
    account_id | trigger | triggered_at | equity_at_trigger | maintenance_margin_at_trigger
    a          | margin  | 10:00        | 91                | 91
"""


def _at_equality(trigger: str) -> Result:
    """Equity and margin are both 91 at a mark of 9,100; later the account closes by itself."""
    return session(
        """
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 991
        09:01 | fill     |        | buy  | 1        | 10000
        10:00 | tick     |        |      |          | 9100
        11:00 | fill     |        | sell | 1        | 9100
        """,
        tiers=ONE_PERCENT,
        trigger=trigger,
    )


@pytest.mark.parametrize(("trigger", "liquidations"), [("lt", NOBODY), ("lte", ELECTED)])
def test_equality_triggers_only_where_the_policy_says_so(trigger: str, liquidations: str) -> None:
    expect(_at_equality(trigger), "liquidations", liquidations)


def test_margin_is_looked_at_only_when_a_held_instrument_ticks() -> None:
    """The withdrawal leaves too little at 10:00; the tick at 11:00 finds it, at a price that did not move."""
    result = session("""
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 1000
        09:00 | fill     |        | buy  | 1        | 10000
        09:00 | tick     |        |      |          | 10000
        10:00 | transfer | -990
        11:00 | tick     |        |      |          | 10000
        12:00 | fill     |        | sell | 1        | 10000
    """)
    expect(result, "liquidations", "triggered_at | equity_at_trigger | end_reason\n 11:00 | 10 | self_closed")


def test_nobody_is_triggered_while_a_held_instrument_has_no_mark() -> None:
    """P alone would be far under its margin at 10:00, but Q has no price yet; at 11:00 both are known."""
    result = session(
        """
        time  | event    | instrument | amount | side | quantity | price
        09:00 | transfer |            | 100
        09:00 | fill     | P          |        | buy  | 1        | 1000
        09:00 | fill     | Q          |        | buy  | 1        | 1000
        10:00 | tick     | P          |        |      |          | 800
        11:00 | tick     | Q          |        |      |          | 1000
        12:00 | fill     | P          |        | sell | 1        | 800
        12:00 | fill     | Q          |        | sell | 1        | 1000
        """,
        instruments="""
        instrument | kind   | currency | multiplier | tick_size
        P          | linear | USD      | 1          | 0.1
        Q          | linear | USD      | 1          | 0.1
        """,
        tiers="""
        instrument | floor | rate
        P          | 0     | 0.005
        Q          | 0     | 0.01
        """,
    )
    expect(
        result,
        "liquidations",
        """
        triggered_at | equity_at_trigger | maintenance_margin_at_trigger
        11:00        | -100              | 14
        """,
    )
