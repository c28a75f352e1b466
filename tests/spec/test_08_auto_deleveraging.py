"""What auto-deleveraging took from the deleveraged (rules.md section 8)."""

from tests.spec.tables import expect, session


def test_auto_deleveraging_takes_over_at_a_price_away_from_the_mark() -> None:
    """A short is bought out at 9,150 where the mark is 9,100: 50 a contract, whatever it had gained before."""
    result = session("""
        time  | event    | amount | side | quantity | price | fee
        09:00 | transfer | 1000
        09:00 | fill     |        | sell | 1        | 10000
        10:00 | tick     |        |      |          | 9100
        10:01 | adl      |        | buy  | 0.4      | 9150  | 1
    """)
    expect(
        result,
        "adl_losses",
        """
        side | price | quantity | mark_price | amount
        buy  | 9150  | 0.4      | 9100       | 20
        """,
    )
    expect(result, "session_losses", "adl_loss | deficit | shortfall\n 20 | 0 | 0")
    expect(result, "account_daily", "realised_pnl | fees | unrealised_pnl\n 340 | 1 | 540")
