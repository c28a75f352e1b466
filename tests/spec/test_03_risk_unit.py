"""A risk unit: account, currency and isolation (rules.md section 3)."""

from tests.spec.tables import expect, session


def test_isolated_and_cross_positions_stand_alone() -> None:
    """The isolated unit falls with its own 20; the 1,000 of the cross unit beside it are not asked."""
    result = session("""
        time  | event       | isolation | amount | side | quantity | price
        09:00 | transfer    |           | 1000
        09:00 | transfer    | P         | 20
        09:00 | fill        | P         |        | buy  | 1        | 1000
        10:00 | tick        |           |        |      |          | 984
        10:01 | liquidation | P         |        | sell | 1        | 981
    """)
    expect(result, "liquidations", "isolation | equity_at_trigger | terminal_equity\n P | 4 | 1")


def test_house_accounts_are_replayed_but_never_triggered() -> None:
    result = session(
        """
        time  | account | event       | side | quantity | price | fee
        09:00 | mm      | fill        | buy  | 1        | 1000
        10:00 |         | tick        |      |          | 500
        10:01 | mm      | liquidation | sell | 1        | 400   | 2
        """,
        accounts="""
        account | type
        mm      | house
        """,
    )
    expect(result, "liquidations", "account_id")
    expect(result, "negative_balances", "account_id")
    expect(result, "insurance_fund_ledger", "kind")  # nor is its fee a movement of the fund
    expect(result, "account_daily", "account_id | closing_wallet\n mm | -602")
