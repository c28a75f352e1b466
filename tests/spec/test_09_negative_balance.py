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


def test_money_moved_in_the_session_stands_beside_the_event() -> None:
    """20 of the 100 were taken out before the loss, while the position was open. What comes after the event, and what
    was paid in on the day before, is not counted; a transfer of the very instant is."""
    result = session(
        """
        time  | event       | amount | side | quantity | price
        08:00 | transfer    | 80
        09:00 | fill        |        | buy  | 1        | 1000
        09:30 | transfer    | -20
        10:00 | tick        |        |      |          | 890
        10:01 | liquidation |        | sell | 1        | 860
        10:01 | transfer    | 1
        11:00 | transfer    | 500
        """,
        before="time | event | amount\n 09:00 | transfer | 20",
    )
    expect(
        result,
        "negative_balances",
        """
        ts    | cause       | protected | session_transfers | deficit
        10:01 | liquidation | true      | 61                | 59
        """,
    )


def test_a_move_to_an_own_unit_counts_as_a_transfer() -> None:
    result = session(
        """
        time  | event    | isolation | amount | side | quantity | price
        09:00 | transfer |           | 100
        09:01 | transfer |           | -70
        09:01 | transfer | P         | 70
        09:02 | fill     |           |        | buy  | 1        | 1000
        09:03 | fill     |           |        | sell | 1        | 950
        """
    )
    expect(result, "negative_balances", "isolation | session_transfers | deficit\n | 30 | 20")


def test_protection_per_account_beside_protection_per_unit() -> None:
    """Two isolated positions fall 40 and 10 below zero, and are covered. On its cross unit the same account has 30,
    paid in afterwards: it could have paid 30 of the 50. Another unit below zero takes nothing from that."""
    result = session(
        """
        time  | event       | isolation | amount | side | quantity | price
        08:00 | fund        |           | 45
        09:00 | transfer    | P         | 100
        09:00 | fill        | P         |        | buy  | 1        | 1000
        10:00 | tick        |           |        |      |          | 890
        10:01 | liquidation | P         |        | sell | 1        | 860
        12:00 | fill        | P         |        | buy  | 1        | 890
        12:01 | fill        | P         |        | sell | 1        | 880
        13:00 | transfer    |           | 30
        14:00 | transfer    | P         | -5
        """
    )
    expect(
        result,
        "negative_balances",
        """
        isolation | cause       | protected | deficit | fund_draw | shortfall
        P         | liquidation | true      | 40      | 40        | 0
        P         | trading     | true      | 10      | 5         | 5
        P         | transfer    | false     | 5       | 0         | 0
        """,
    )
    expect(
        result,
        "protection_daily",
        """
        account_id | client_class | events | deficit | fund_draw | shortfall | account_equity | within_account_equity
        a          | retail       | 2      | 50      | 45        | 5         | 30             | 30
        """,
    )


def test_protection_per_account_that_makes_no_difference() -> None:
    """Nothing else is held: all of the deficit is beyond the account. An unprotected account is in no row."""
    expect(session(FALL), "protection_daily", "deficit | account_equity | within_account_equity\n 40 | 0 | 0")
    expect(session(FALL, accounts=UNPROTECTED), "protection_daily", "account_id")
