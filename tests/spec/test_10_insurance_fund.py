"""The insurance fund pays first (rules.md section 10)."""

import pytest

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


# b falls first; later 100 come in, 30 go out, and the floor is raised
LATER = (
    TWO_FALL.replace("10:01 | a ", "10:02 | a ").format(fund=40, fee=5)
    + """
    12:00 |         | fund        | 100
    23:00 |         | fund        | -30
"""
)
RAISED = [{"valid_from": "2025-10-10T22:00:00Z", "fund_floor": {"USD": "40"}}]
AT_EVENT = """
    ts    | kind            | amount | balance
    08:00 | opening         | 40     | 40
    10:01 | liquidation_fee | 5      | 45
    10:01 | draw            | -45    | 0
    10:02 | liquidation_fee | 5      | 5
    10:02 | draw            | -5     | 0
    12:00 | opening         | 100    | 100
    23:00 | opening         | -30    | 70
"""


def test_draws_at_the_event() -> None:
    """The default: what is there at the time pays, and what comes in later comes too late."""
    result = session(LATER, later=RAISED)
    expect(result, "insurance_fund_ledger", AT_EVENT)
    expect(
        result,
        "negative_balances",
        "account_id | deficit | fund_draw | shortfall\n b | 60 | 45 | 15\n a | 60 | 5 | 55",
    )
    expect(result, "insurance_fund_daily", "draws | closing | lowest | draw_count\n -50 | 70 | 0 | 2")


def test_draws_at_the_end_of_the_session() -> None:
    """The same market: fees and the 100 pay too, what was withdrawn is gone, and the floor is that of the end. b's
    event comes before a's. Until the last microsecond the fund shows money that is already spoken for."""
    result = session(LATER, later=RAISED, fund_draws="at_session_end")
    expect(
        result,
        "insurance_fund_ledger",
        """
        seq | ts       | kind            | amount | balance
        1   | 08:00    | opening         | 40     | 40
        2   | 10:01    | liquidation_fee | 5      | 45
        3   | 10:02    | liquidation_fee | 5      | 50
        4   | 12:00    | opening         | 100    | 150
        5   | 23:00    | opening         | -30    | 120
        6   | 23:59:59 | draw            | -60    | 60
        7   | 23:59:59 | draw            | -20    | 40
        """,
    )
    expect(
        result,
        "negative_balances",
        """
        ts    | account_id | deficit | fund_draw | shortfall
        10:01 | b          | 60      | 60        | 0
        10:02 | a          | 60      | 20        | 40
        """,
    )
    expect(result, "insurance_fund_daily", "draws | closing | lowest | draw_count\n -80 | 40 | 40 | 2")
    expect(result, "account_daily", "account_id | negative_balance_reset\n a | 60\n b | 60")


def test_draws_of_one_instant_go_by_account_at_the_end_too() -> None:
    result = session(TWO_FALL.format(fund=100, fee=0), fund_draws="at_session_end")
    expect(result, "negative_balances", "account_id | fund_draw\n a | 55\n b | 45")


def test_a_movement_of_the_last_microsecond_comes_before_the_draws() -> None:
    result = session(
        TWO_FALL.format(fund=0, fee=0) + "\n 23:59:59.999999 | | fund | 90", fund_draws="at_session_end"
    )
    expect(result, "insurance_fund_ledger", "kind | amount\n opening | 90\n draw | -55\n draw | -35")


@pytest.mark.parametrize(("since", "at_end"), [("23:59:59.999999", True), ("24:00:00", False)])
def test_what_is_in_force_just_before_the_end_holds_for_the_whole_session(since: str, at_end: bool) -> None:
    """It is read once, at E − 1 µs, also for the events of the morning."""
    valid_from = "2025-10-11" if since.startswith("24") else f"2025-10-10T{since}Z"
    result = session(LATER, later=[{"valid_from": valid_from, "fund_draws": "at_session_end"}])
    times = {row["ts"] for row in result.tables["insurance_fund_ledger"] if row["kind"] == "draw"}
    assert times == ({"23:59:59"} if at_end else {"10:01", "10:02"})


@pytest.mark.parametrize(
    ("rule", "fund", "draws"),
    [
        ("partial", 100, ["45", "55"]),
        ("all_or_nothing", 100, ["0", "55"]),
        ("all_or_nothing", 110, ["55", "55"]),
    ],
)
def test_a_draw_may_be_refused_where_it_is_not_enough(rule: str, fund: int, draws: list[str]) -> None:
    """Two deficits of 55: of 100 what is left is less than the second one."""
    result = session(TWO_FALL.format(fund=fund, fee=""), fund_draw_rule=rule)
    assert sorted(row["fund_draw"] for row in result.tables["negative_balances"]) == draws
