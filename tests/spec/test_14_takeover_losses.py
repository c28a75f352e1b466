"""A loss of a lot shared under rules that look at positions (rules.md section 14)."""

from tests.spec.tables import expect, session

# l takes 1 over of `loser` at 900 and sells it at 800: 100 are to be shared. The mark is 850 then.
LOT = """
    time  | account | event       | amount | side | quantity | price | trade | id
    09:00 | loser   | transfer    | 100
    09:00 | loser   | fill        |        | buy  | 1        | 1000
    09:00 | loser   | transfer    | 500
    09:00 | bear    | transfer    | 1000
    09:00 | bear    | fill        |        | sell | 1        | 900
    09:00 | bull    | transfer    | 1000
    09:00 | bull    | fill        |        | buy  | 3        | 850
    10:00 |         | tick        |        |      |          | 900
    10:01 | loser   | liquidation |        | sell | 1        | 900   | t     | x1
    10:01 | l       | fill        |        | buy  | 1        | 900   | t     | x2
    10:02 | l       | fill        |        | buy  | 5        | 850   |       | x3
    10:03 | loser   | fill        |        | sell | 1        | 900
    11:00 |         | tick        |        |      |          | 850
    11:01 | l       | fill        |        | sell | 1        | 800   |       | x4
"""
ACCOUNTS = "account | type\n l | liquidator"
BY_EVENT = ["open_interest_prorata", "adl_queue"]


def test_the_lots_account_is_no_counterparty_and_no_liquidator_is() -> None:
    """Open interest: bear 1 and bull 3, not the liquidator's 5, and not `loser`, of whom the lot was taken. The lot was
    long, so the queue is of shorts: `bear` with a profit of 50."""
    result = session(LOT, accounts=ACCOUNTS, compared_rules=BY_EVENT)
    expect(
        result,
        "rule_comparison",
        """
        rule                  | account_id | charge
        open_interest_prorata | bear       | 25
        open_interest_prorata | bull       | 75
        adl_queue             | bear       | 100
        """,
    )


def test_of_a_lot_of_unknown_origin_nobody_is_left_out() -> None:
    """Without the common trade `loser`, short 1 now, is a counterparty like any other."""
    result = session(LOT.replace("| t     | x2", "| other | x2"), accounts=ACCOUNTS, compared_rules=BY_EVENT)
    expect(
        result,
        "rule_comparison",
        """
        rule                  | account_id | charge
        open_interest_prorata | bear       | 20
        open_interest_prorata | bull       | 60
        open_interest_prorata | loser      | 20
        adl_queue             | loser      | 100
        """,
    )
