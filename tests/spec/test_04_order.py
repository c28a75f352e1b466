"""The order of events, which decides cases (rules.md section 4)."""

from tests.spec.tables import expect, session

TWO = """
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
    Q          | linear | USD      | 1          | 0.1
"""
NOBODY = "account_id"


def test_a_deposit_comes_before_the_tick_of_its_microsecond() -> None:
    """At 900 nothing is left of the 100; the 50 of the same instant are there when margin is looked at."""
    result = session(
        """
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 100
        09:00 | fill     |        | buy  | 1        | 1000
        10:00 | tick     |        |      |          | 900
        10:00 | transfer | 50
        """
    )
    expect(result, "liquidations", NOBODY)
    expect(result, "account_daily", "equity\n 50")


def test_transfer_fill_funding_and_tick_of_one_time() -> None:
    """Written the wrong way round: funding is paid on what was bought at its time, and the tick finds 0.05 too little."""
    result = session("""
        time  | event    | amount | side | quantity | price | rate
        10:00 | tick     |        |      |          | 1000
        10:00 | funding  |        |      |          | 1000  | 0.00005
        10:00 | fill     |        | buy  | 1        | 1000
        10:00 | transfer | 5.04
        11:00 | fill     |        | sell | 1        | 1000
    """)
    expect(result, "account_daily", "transfers | funding\n 5.04 | -0.05")
    expect(
        result,
        "liquidations",
        "triggered_at | equity_at_trigger | maintenance_margin_at_trigger\n 10:00 | 4.99 | 5",
    )


def test_ticks_of_one_time_apply_together() -> None:
    """The loss on P and the gain on Q are one step: between the two the account would have been 40 below zero."""
    result = session(
        """
        time  | event    | instrument | amount | side | quantity | price
        09:00 | transfer |            | 60
        09:00 | fill     | P          |        | buy  | 1        | 1000
        09:00 | fill     | Q          |        | buy  | 1        | 1000
        10:00 | tick     | P          |        |      |          | 900
        10:00 | tick     | Q          |        |      |          | 1100
        """,
        instruments=TWO,
    )
    expect(result, "liquidations", NOBODY)


def test_ids_of_digits_alone_are_numbers() -> None:
    """9 comes before 10: the sale takes out the first purchase whole, and the second one is all that is left."""
    result = session("""
        time  | id | event | side | quantity | price
        08:00 | 1  | fill  | buy  | 1        | 100
        09:00 | 10 | fill  | buy  | 1        | 120
        09:00 | 9  | fill  | sell | 1        | 130
    """)
    expect(result, "account_daily", "realised_pnl\n 30")
    expect(result, "positions_daily", "quantity | entry_value\n 1 | 120")


def test_other_ids_are_text_and_come_after_numbers() -> None:
    """f10 comes before f9: the second purchase raises the average to 110; the number 99 comes before both."""
    result = session("""
        time  | id  | event | side | quantity | price
        08:00 | 1   | fill  | buy  | 1        | 100
        09:00 | f9  | fill  | sell | 1        | 130
        09:00 | f10 | fill  | buy  | 1        | 120
        10:00 | f1  | fill  | buy  | 1        | 500
        10:00 | 99  | fill  | sell | 1        | 110
    """)
    expect(result, "account_daily", "realised_pnl\n 20")
    expect(result, "positions_daily", "quantity | entry_value\n 1 | 500")


def test_equal_numbers_are_ordered_as_text() -> None:
    """007 comes before 7: the sale of 007 takes out the only purchase that was there."""
    result = session("""
        time  | id  | event | side | quantity | price
        08:00 | 1   | fill  | buy  | 1        | 100
        09:00 | 7   | fill  | buy  | 1        | 120
        09:00 | 007 | fill  | sell | 1        | 130
    """)
    expect(result, "account_daily", "realised_pnl\n 30")
