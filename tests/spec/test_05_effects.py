"""What events do to a wallet and its positions (rules.md section 5)."""

import pytest

from tests.spec.tables import expect, session

KINDS = """
    instrument | kind    | currency | multiplier | tick_size
    LIN        | linear  | USD      | 1          | 0.001
"""


def test_average_entry_value() -> None:
    """An increase adds its value; a reduction takes out its part of the entry value, and the rest stays."""
    result = session("""
        time  | event | side | quantity | price
        09:00 | fill  | buy  | 1        | 100
        09:01 | fill  | buy  | 2        | 106
        09:02 | fill  | sell | 1        | 110
    """)
    expect(
        result,
        "positions_daily",
        """
        instrument_id | quantity | entry_value
        P             | 2        | 208
        """,
    )
    expect(
        result,
        "account_daily",
        """
        realised_pnl | closing_wallet
        6            | 6
        """,
    )


@pytest.mark.parametrize(
    ("price", "stays", "realised"), [("50.005", "50.01", "10"), ("50.015", "50.01", "9.98")]
)
def test_entry_value_of_a_reduction_is_rounded_half_to_even(price: str, stays: str, realised: str) -> None:
    """Half of 100.01 is 50.005: 50.00 leaves and 50.01 stays. Half of 100.03 is 50.015: 50.02 leaves."""
    result = session(
        f"""
        time  | event | instrument | side | quantity | price
        09:00 | fill  | LIN        | buy  | 2        | {price}
        09:01 | fill  | LIN        | sell | 1        | 60
        """,
        instruments=KINDS,
    )
    expect(result, "positions_daily", f"quantity | entry_value\n 1 | {stays}")
    expect(result, "account_daily", f"realised_pnl\n {realised}")


def test_fill_larger_than_the_position_turns_it() -> None:
    """Selling 5 at 110 closes the long of 2 for 220 of the 550, and opens a short of 3 with the other 330."""
    result = session("""
        time  | event | side | quantity | price
        09:00 | fill  | buy  | 2        | 100
        09:01 | fill  | sell | 5        | 110
    """)
    expect(result, "positions_daily", "quantity | entry_value\n -3 | 330")
    expect(result, "account_daily", "realised_pnl\n 20")


@pytest.mark.parametrize(
    ("price", "opens", "realised"), [("50.005", "50.01", "10"), ("50.015", "50.01", "10.02")]
)
def test_value_of_a_turning_fill_is_cut_without_a_remainder(price: str, opens: str, realised: str) -> None:
    """100.01 for 2: the closing half counts 50.00, half to even, and the opening one has what is left, 50.01."""
    result = session(
        f"""
        time  | event | instrument | side | quantity | price
        09:00 | fill  | LIN        | buy  | 1        | 40
        09:01 | fill  | LIN        | sell | 2        | {price}
        """,
        instruments=KINDS,
    )
    expect(result, "positions_daily", f"quantity | entry_value\n -1 | {opens}")
    expect(result, "account_daily", f"realised_pnl\n {realised}")


def test_a_fee_is_paid_and_a_rebate_received_in_every_case() -> None:
    result = session("""
        time  | event    | amount | side | quantity | price | fee
        09:00 | transfer | 10
        09:01 | fill     |        | buy  | 1        | 100   | 0.05
        09:02 | fill     |        | sell | 1        | 100   | -0.02
    """)
    expect(
        result,
        "account_daily",
        """
        transfers | fees | closing_wallet
        10        | 0.03 | 9.97
        """,
    )


def test_longs_pay_a_positive_funding_rate_to_shorts() -> None:
    """Every holder at that instant: also of a position opened at it, as fills come before funding."""
    result = session("""
        time  | account | event    | side | quantity | price | rate
        07:00 | long    | fill     | buy  | 2        | 100
        08:00 | short   | fill     | sell | 2        | 100
        08:00 |         | funding  |      |          | 110   | 0.001
        16:00 |         | funding  |      |          | 110   | -0.0005
    """)
    expect(
        result,
        "account_daily",
        """
        account_id | funding
        long       | -0.11
        short      | 0.11
        """,
    )
