"""What must agree, published whether it does or not (rules.md section 13)."""

from tests.spec.tables import Result, expect, session

# a and b trade with each other, and a with nobody: 0.4 contracts are on one side only
ONE_SIDED = """
    time  | account | event       | amount | side | quantity | price | rate
    09:00 | a       | transfer    | 100
    09:00 | a       | fill        |        | buy  | 1        | 1000
    09:00 | b       | transfer    | 500
    09:00 | b       | fill        |        | sell | 1        | 1000
    09:30 | b       | fill        |        | sell | 0.4      | 1000
    09:40 |         | funding     |        |      |          | 1000  | 0.01
    10:00 |         | tick        |        |      |          | 890
    10:01 | a       | liquidation |        | sell | 0.5      | 850
    10:02 | a       | liquidation |        | sell | 0.5      | 850
"""


def rows_of(result: Result, *rules: str) -> Result:
    """The rows of some rules, or those that the rule makes for every currency."""
    kept = [row for row in result.tables["reconciliation"] if row["rule"] in rules]
    return Result({"reconciliation": kept}, {})


def test_positions_and_funding_of_all_accounts_net_to_zero() -> None:
    """Short 0.4 more than long before the end are left, and 4 of funding came from nobody. The tolerance of
    funding is half a unit for each of the two positions."""
    result = session(ONE_SIDED + "\n 11:00 | b | fill | | buy | 1 | 850")
    expect(
        rows_of(result, "position_zero_sum", "funding_zero_sum"),
        "reconciliation",
        """
        rule              | key | expected | actual | break | tolerance | independent
        position_zero_sum | P   | 0        | -0.4   | -0.4  | 0         | true
        funding_zero_sum  | P   | 0        | 4      | 4     | 0.01      | true
        """,
    )


def test_the_venue_liquidated_whom_the_recomputation_would_have() -> None:
    """a was triggered and liquidated. c was liquidated without a breach, d triggered and closed by itself, and e is
    under its margin when the session ends."""
    result = session(
        ONE_SIDED
        + """
    09:00 | c       | transfer    | 5000
    09:00 | c       | fill        |        | buy  | 1        | 1000
    10:30 | c       | liquidation |        | sell | 1        | 890
    09:00 | d       | transfer    | 110
    09:00 | d       | fill        |        | buy  | 1        | 1000
    10:30 | d       | fill        |        | sell | 1        | 890
    09:00 | e       | transfer    | 110
    09:00 | e       | fill        |        | buy  | 1        | 1000
    """
    )
    expect(
        rows_of(result, "liquidation_match"),
        "reconciliation",
        """
        key         | expected | actual | break | independent
        matched     | 2        | 1      | -1    | true
        untriggered | 0        | 1      | 1     | true
        unexecuted  | 0        | 1      | 1     | true
        open        | 0        | 1      | 1     | true
        """,
    )


def test_what_holds_by_construction_is_evidence_of_nothing() -> None:
    """a ends 60 below zero after the funding of 10: nobody pays, b made 600."""
    expect(
        rows_of(
            session(ONE_SIDED),
            *("account_roll_forward", "fund_roll_forward", "waterfall", "components"),
        ),
        "reconciliation",
        """
        rule                 | key | expected | actual | break | tolerance | independent
        account_roll_forward | USD | 514      | 514    | 0     | 0         | false
        fund_roll_forward    | USD | 0        | 0      | 0     | 0         | false
        waterfall            | USD | 60       | 60     | 0     | 0         | false
        components           | USD | 60       | 60     | 0     | 0         | false
        """,
    )


def test_under_simulated_execution_the_market_need_not_net() -> None:
    """The recomputation sells to nobody: only what holds by construction is left."""
    rules = {row["rule"] for row in session(ONE_SIDED, execution="simulated").tables["reconciliation"]}
    assert rules == {"account_roll_forward", "fund_roll_forward", "waterfall", "components"}
