"""What lots give to the fund and take of it, in the order of its ledger (rules.md section 10)."""

from tests.spec.tables import expect, session


def test_funding_comes_before_gains_and_these_before_draws() -> None:
    """All at 10:00: the fund has nothing, gets 1 of funding and 5 of the lots f3 and f4, and pays 6 of a loss of 10."""
    result = session(
        """
    time  | account | event   | instrument | side | quantity | price | rate | id
    09:00 |         | tick    | P          |      |          | 100
    09:00 | l       | fill    | P          | buy  | 1        | 100   |      | f1
    09:01 | l       | fill    | Q          | sell | 1        | 100   |      | f3
    09:02 | l       | fill    | Q          | sell | 1        | 101   |      | f4
    09:03 | l       | fill    | R          | sell | 1        | 100   |      | f7
    10:00 | l       | fill    | P          | sell | 1        | 90    |      | f5
    10:00 | l       | fill    | Q          | buy  | 3        | 98    |      | f6
    10:00 |         | funding | R          |      |          | 100   | 0.01
    """,
        instruments="""
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
    Q          | linear | USD      | 1          | 0.1
    R          | linear | USD      | 1          | 0.1
    """,
        accounts="account | type\n l | liquidator",
    )
    expect(
        result,
        "insurance_fund_ledger",
        """
        seq | ts    | kind             | amount | balance
        1   | 10:00 | takeover_funding | 1      | 1
        2   | 10:00 | takeover_gain    | 2      | 3
        3   | 10:00 | takeover_gain    | 3      | 6
        4   | 10:00 | draw             | -6     | 0
        """,
    )
    expect(
        result,
        "insurance_fund_daily",
        "takeover_gains | takeover_funding | draws | closing | lowest\n 5 | 1 | -6 | 0 | 0",
    )
