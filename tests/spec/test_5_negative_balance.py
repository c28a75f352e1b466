"""Accounts below zero: who is covered, and what becomes a receivable (rules.md section 9)."""

from tests.spec.tables import expect, session

FALL = """
    time  | event       | amount | side | quantity | price
    09:00 | transfer    | 100
    09:00 | fill        |        | buy  | 1        | 1000
    10:00 | tick        |        |      |          | 890
    10:01 | liquidation |        | sell | 1        | 860
"""
UNPROTECTED = """
    account | protected
    a       | false
"""


def test_protected_account_is_set_back_to_zero() -> None:
    """40 below zero: put in by protection, and passed on to the waterfall."""
    result = session(FALL)
    expect(
        result,
        "negative_balances",
        """
        ts    | cause       | protected | deficit | fund_draw | shortfall
        10:01 | liquidation | true      | 40      | 0         | 40
        """,
    )
    expect(result, "account_daily", "negative_balance_reset | closing_wallet\n 40 | 0")
    expect(result, "receivables_daily", "account_id")


def test_unprotected_account_owes_its_deficit() -> None:
    """Outside the waterfall: the fund pays nothing and nobody else is charged."""
    result = session(FALL, accounts=UNPROTECTED)
    expect(result, "negative_balances", "protected | deficit | fund_draw | shortfall\n false | 40 | 0 | 0")
    expect(result, "session_losses", "unprotected_deficit | deficit | shortfall\n 40 | 0 | 0")
    expect(
        result, "receivables_daily", "opening_debt | new_debt | recovered | closing_debt\n 0 | 40 | 0 | 40"
    )
    expect(result, "account_daily", "closing_wallet\n -40")


def test_deposit_pays_debt_back() -> None:
    """50 paid in: 40 of it recover the debt, and 10 are the account's own again."""
    result = session(FALL + "\n 11:00 | transfer | 50", accounts=UNPROTECTED)
    expect(result, "receivables_daily", "new_debt | recovered | closing_debt\n 40 | 40 | 0")
    expect(result, "account_daily", "closing_wallet\n 10")


def test_only_what_is_beyond_earlier_debt_is_a_new_deficit() -> None:
    """A second loss of 25: the account is 65 below zero and owes 65, in two events."""
    result = session(
        FALL
        + """
    11:00 | fill        |        | buy  | 1        | 900
    11:30 | fill        |        | sell | 1        | 875
    """,
        accounts=UNPROTECTED,
    )
    expect(
        result,
        "negative_balances",
        """
        ts    | cause       | deficit
        10:01 | liquidation | 40
        11:30 | trading     | 25
        """,
    )
    expect(result, "receivables_daily", "new_debt | closing_debt\n 65 | 65")


def test_protection_covers_losses_not_withdrawals() -> None:
    """The account is protected, but what took it below zero is money that left it."""
    result = session("""
        time  | event    | amount
        09:00 | transfer | 100
        10:00 | transfer | -130
    """)
    expect(result, "negative_balances", "cause | protected | deficit\n transfer | false | 30")
    expect(result, "account_daily", "negative_balance_reset | closing_wallet\n 0 | -30")


def test_loss_of_own_trading_is_covered() -> None:
    """Out at a price beyond the margin, before any tick showed it."""
    result = session("""
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 100
        09:00 | fill     |        | buy  | 1        | 1000
        10:01 | fill     |        | sell | 1        | 860
    """)
    expect(result, "negative_balances", "cause | protected | deficit\n trading | true | 40")


def test_nobody_is_below_zero_while_a_position_is_open() -> None:
    """The wallet is −40 after half is closed, and the other half gains it back."""
    result = session("""
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 30
        09:00 | fill     |        | buy  | 2        | 1000
        10:00 | fill     |        | sell | 1        | 930
        11:00 | fill     |        | sell | 1        | 1050
    """)
    expect(result, "negative_balances", "account_id")
    expect(result, "account_daily", "closing_wallet\n 10")
