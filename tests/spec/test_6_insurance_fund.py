"""The insurance fund pays first (rules.md section 10)."""

from tests.spec.tables import expect, session

# two accounts, 100 each in, both sold out 60 below zero
TWO_FALL = """
    time  | account | event       | amount | side | quantity | price | fee
    08:00 |         | fund        | {fund}
    09:00 | b       | transfer    | 100
    09:00 | b       | fill        |        | buy  | 1        | 1000
    09:00 | a       | transfer    | 100
    09:00 | a       | fill        |        | buy  | 1        | 1000
    10:00 |         | tick        |        |      |          | 890
    10:01 | b       | liquidation |        | sell | 1        | 845   | {fee}
    10:01 | a       | liquidation |        | sell | 1        | 845   | {fee}
"""


def test_fund_pays_in_order_down_to_its_floor() -> None:
    """At one instant by account: a is paid in full, b gets what is above the floor of 20."""
    result = session(TWO_FALL.format(fund=100, fee=5), fund_floor={"USD": "20"})
    expect(
        result,
        "insurance_fund_ledger",
        """
        seq | ts    | kind            | amount | balance
        1   | 08:00 | opening         | 100    | 100
        2   | 10:01 | liquidation_fee | 5      | 105
        3   | 10:01 | liquidation_fee | 5      | 110
        4   | 10:01 | draw            | -60    | 50
        5   | 10:01 | draw            | -30    | 20
        """,
    )
    expect(
        result,
        "negative_balances",
        """
        account_id | deficit | fund_draw | shortfall
        a          | 60      | 60        | 0
        b          | 60      | 30        | 30
        """,
    )
    expect(
        result,
        "insurance_fund_daily",
        """
        opening | external | liquidation_fees | draws | closing | lowest | draw_count
        0       | 100      | 10               | -90   | 20      | 20     | 2
        """,
    )


def test_rebates_are_not_held_up_by_the_floor() -> None:
    """A rebate of 6 each is money out of the fund: it falls below its floor of 20, and then pays no draw."""
    result = session(TWO_FALL.format(fund=25, fee=-6), fund_floor={"USD": "20"})
    expect(
        result,
        "insurance_fund_ledger",
        """
        kind            | amount | balance
        opening         | 25     | 25
        liquidation_fee | -6     | 19
        liquidation_fee | -6     | 13
        """,
    )
    expect(result, "session_losses", "deficit | fund_draw | shortfall\n 98 | 0 | 98")


def test_empty_fund_draws_nothing() -> None:
    """Movements of zero are left out."""
    result = session(TWO_FALL.format(fund=0, fee=0))
    expect(result, "insurance_fund_ledger", "kind")
    expect(result, "insurance_fund_daily", "closing | draw_count\n 0 | 0")
