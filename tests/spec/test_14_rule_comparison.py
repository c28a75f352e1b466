"""The same shortfall under five rules (rules.md section 14). Nothing of it is booked."""

from tests.spec.tables import expect, session

# `loser` is sold out 100 below zero at 10:01; four others hold the contract then, all at a mark of 850.
MARKET = """
    time  | account | event       | amount | side | quantity | price
    09:00 | loser   | transfer    | 100
    09:00 | loser   | fill        |        | buy  | 1        | 1000
    09:00 | first   | transfer    | 50
    09:00 | first   | fill        |        | sell | 0.4      | 1000
    09:00 | second  | transfer    | 1000
    09:00 | second  | fill        |        | sell | 2        | 1000
    09:00 | bull    | transfer    | 1000
    09:00 | bull    | fill        |        | buy  | 0.6      | 800
    09:00 | mm      | transfer    | 10000
    09:00 | mm      | fill        |        | sell | 2        | 900
    10:00 |         | tick        |        |      |          | 850
    10:01 | loser   | liquidation |        | sell | 1        | 800
"""
HOUSE = """
    account | type
    mm      | house
"""


def test_five_rules_share_one_shortfall() -> None:
    """Profits are 60, 300 and 30; equities 110, 1,300 and 1,030; open interest 340, 1,700, 510 and 1,700.

    In the queue `first` stands before `second`: (60/400) × (340/110) against (300/2000) × (1700/1300); `mm` with
    (100/1800) × (1700/10100) comes when the one contract is taken over, and a long is not on the other side.
    """
    result = session(MARKET, accounts=HOUSE, profit_floor_rate="0.5")
    expect(
        result,
        "rule_comparison",
        """
        rule                   | account_id | charge
        session_profit_prorata | first      | 15.39
        session_profit_prorata | second     | 76.92
        session_profit_prorata | bull       | 7.69
        equity_prorata         | first      | 4.51
        equity_prorata         | second     | 53.28
        equity_prorata         | bull       | 42.21
        session_profit_floor   | first      | 30
        session_profit_floor   | second     | 150
        session_profit_floor   | bull       | 15
        open_interest_prorata  | first      | 8
        open_interest_prorata  | second     | 40
        open_interest_prorata  | bull       | 12
        open_interest_prorata  | mm         | 40
        adl_queue              | first      | 40
        adl_queue              | second     | 60
        """,
    )
    expect(
        result,
        "rule_totals",
        """
        rule                   | shortfall | charged | to_fund | uncovered | payers
        session_profit_prorata | 100       | 100     | 0       | 0         | 3
        equity_prorata         | 100       | 100     | 0       | 0         | 3
        session_profit_floor   | 100       | 195     | 95      | 0         | 3
        open_interest_prorata  | 100       | 100     | 0       | 0         | 4
        adl_queue              | 100       | 100     | 0       | 0         | 2
        """,
    )


def test_queue_may_run_dry() -> None:
    """Two contracts are to be taken over, 200 to be shared.

    `b` comes first: 50/900 on a leverage of 850/55; then `a`: 75/500 on a leverage of 425/10,075. A short
    that lost takes nothing, and half a contract is left: its quarter of the loss is uncovered.
    """
    result = session("""
        time  | account | event       | amount | side | quantity | price
        09:00 | loser   | transfer    | 200
        09:00 | loser   | fill        |        | buy  | 2        | 1000
        09:00 | a       | transfer    | 10000
        09:00 | a       | fill        |        | sell | 0.5      | 1000
        09:00 | b       | transfer    | 5
        09:00 | b       | fill        |        | sell | 1        | 900
        09:00 | lost    | transfer    | 1000
        09:00 | lost    | fill        |        | sell | 1        | 700
        10:00 |         | tick        |        |      |          | 850
        10:01 | loser   | liquidation |        | sell | 2        | 800
    """)
    queue = [row for row in result.tables["rule_comparison"] if row["rule"] == "adl_queue"]
    assert [(row["account_id"], row["charge"]) for row in queue] == [("a", "50"), ("b", "100")]
    [total] = [row for row in result.tables["rule_totals"] if row["rule"] == "adl_queue"]
    assert (total["charged"], total["uncovered"]) == ("150", "50")


def test_queue_goes_by_leverage_as_well_as_by_profit() -> None:
    """One contract: `b` with the smaller profit and the higher leverage takes it all."""
    result = session("""
        time  | account | event       | amount | side | quantity | price
        09:00 | loser   | transfer    | 100
        09:00 | loser   | fill        |        | buy  | 1        | 1000
        09:00 | a       | transfer    | 10000
        09:00 | a       | fill        |        | sell | 1        | 1000
        09:00 | b       | transfer    | 5
        09:00 | b       | fill        |        | sell | 1        | 900
        10:00 |         | tick        |        |      |          | 850
        10:01 | loser   | liquidation |        | sell | 1        | 800
    """)
    queue = [row for row in result.tables["rule_comparison"] if row["rule"] == "adl_queue"]
    assert [(row["account_id"], row["charge"]) for row in queue] == [("b", "100")]


def test_nobody_on_the_other_side() -> None:
    """Only a long is left: no winner of the other side can take over, and no client made a profit."""
    result = session("""
        time  | account | event       | amount | side | quantity | price
        09:00 | loser   | transfer    | 100
        09:00 | loser   | fill        |        | buy  | 1        | 1000
        09:00 | bull    | transfer    | 300
        09:00 | bull    | fill        |        | buy  | 1        | 900
        10:00 |         | tick        |        |      |          | 850
        10:01 | loser   | liquidation |        | sell | 1        | 800
    """)
    expect(
        result,
        "rule_totals",
        """
        rule                   | charged | uncovered
        session_profit_prorata | 0       | 100
        equity_prorata         | 100     | 0
        session_profit_floor   | 0       | 100
        open_interest_prorata  | 100     | 0
        adl_queue              | 0       | 100
        """,
    )


def test_loss_of_own_trading_has_no_instrument_to_share_by() -> None:
    """No liquidation fill: open interest and the queue leave it uncovered."""
    result = session("""
        time  | account | event    | amount | side | quantity | price
        09:00 | loser   | transfer | 100
        09:00 | loser   | fill     |        | buy  | 1        | 1000
        09:00 | w       | transfer | 100
        09:00 | w       | fill     |        | sell | 1        | 1000
        10:01 | loser   | fill     |        | sell | 1        | 800
        10:02 |         | tick     |        |      |          | 800
    """)
    expect(
        result,
        "rule_totals",
        """
        rule                   | charged | uncovered
        session_profit_prorata | 100     | 0
        equity_prorata         | 100     | 0
        session_profit_floor   | 100     | 0
        open_interest_prorata  | 0       | 100
        adl_queue              | 0       | 100
        """,
    )
    expect(result, "account_daily", "account_id | socialised_charge\n loser | 0\n w | 0")


def test_nothing_comes_back_to_the_account_that_fell() -> None:
    """Its isolated short stands on the other side, with a profit; it is left out, and so all is uncovered."""
    result = session("""
        time  | account | event       | isolation | amount | side | quantity | price
        09:00 | loser   | transfer    |           | 100
        09:00 | loser   | fill        |           |        | buy  | 1        | 1000
        09:00 | loser   | transfer    | P         | 500
        09:00 | loser   | fill        | P         |        | sell | 1        | 1000
        10:00 |         | tick        |           |        |      |          | 850
        10:01 | loser   | liquidation |           |        | sell | 1        | 800
    """)
    uncovered = {row["rule"]: row["uncovered"] for row in result.tables["rule_totals"]}
    assert (uncovered["open_interest_prorata"], uncovered["adl_queue"]) == ("100", "100")


def test_what_the_venues_rules_take_beyond_what_is_there() -> None:
    """`b` has 55 and `mm` 100: the queue takes 100 from b, open interest half of it from each. A house account
    has something to charge like any other."""
    result = session(
        """
        time  | account | event       | amount | side | quantity | price
        09:00 | loser   | transfer    | 100
        09:00 | loser   | fill        |        | buy  | 1        | 1000
        09:00 | b       | transfer    | 5
        09:00 | b       | fill        |        | sell | 1        | 900
        09:00 | mm      | transfer    | 100
        09:00 | mm      | fill        |        | buy  | 1        | 850
        10:00 |         | tick        |        |      |          | 850
        10:01 | loser   | liquidation |        | sell | 1        | 800
        """,
        accounts=HOUSE,
    )
    expect(
        result,
        "rule_comparison",
        """
        rule                   | account_id | account_type | client_class | chargeable | charge
        session_profit_prorata | b          | client       | retail       | 55         | 50
        equity_prorata         | b          | client       | retail       | 55         | 55
        session_profit_floor   | b          | client       | retail       | 55         | 50
        open_interest_prorata  | b          | client       | retail       | 55         | 50
        open_interest_prorata  | mm         | house        | retail       | 100        | 50
        adl_queue              | b          | client       | retail       | 55         | 100
        """,
    )
    expect(
        result,
        "rule_totals",
        """
        rule                   | charged | uncovered | beyond_chargeable
        session_profit_prorata | 50      | 50        | 0
        equity_prorata         | 55      | 45        | 0
        session_profit_floor   | 50      | 50        | 0
        open_interest_prorata  | 100     | 0         | 0
        adl_queue              | 100     | 0         | 45
        """,
    )


def test_rules_that_the_policy_compares() -> None:
    """Those in force just before the end, whatever the morning's; the sharing itself need not be among them."""
    result = session(
        MARKET,
        accounts=HOUSE,
        compared_rules=["session_profit_floor"],
        later=[
            {"valid_from": "2025-10-10T23:59:59.999999Z", "compared_rules": ["adl_queue", "equity_prorata"]}
        ],
    )
    expect(result, "rule_totals", "rule | shortfall\n equity_prorata | 100\n adl_queue | 100")
    assert {row["rule"] for row in result.tables["rule_comparison"]} == {"equity_prorata", "adl_queue"}
    expect(result, "session_losses", "method | socialised\n session_profit_prorata | 100")
    assert session(MARKET, accounts=HOUSE, compared_rules=[]).tables["rule_totals"] == []
