"""Liquidations that the venue executed (rules.md section 8, `execution: recorded`)."""

from typing import Any

import pytest

from tests.spec.tables import expect, session

# 940 on a long of 10,000: below its margin of 45.50 once the mark is 9,100
START = """
    time  | event       | amount | side | quantity | price | fee | bid | ask
    09:00 | transfer    | 940
    09:00 | fill        |        | buy  | 1        | 10000
    09:00 | tick        |        |      |          | 10000
    10:00 | tick        |        |      |          | 9100
"""


def test_recorded_liquidation_ends_when_the_unit_is_flat() -> None:
    """Triggered by the tick of 10:00, closed in two fills, at the second of them."""
    result = session(
        START
        + """
    10:01 | liquidation |        | sell | 0.4      | 9100  | 1.82
    10:02 | liquidation |        | sell | 0.6      | 9090  | 2.73
    """
    )
    expect(
        result,
        "liquidations",
        """
        triggered_at | first_execution_at | ended_at | end_reason | trigger | equity_at_trigger | terminal_equity
        10:00        | 10:01              | 10:02    | flat       | margin  | 40                | 29.45
        """,
    )


def test_account_that_closes_by_itself() -> None:
    result = session(
        START
        + """
    10:01 | fill        |        | sell | 1        | 9110  | 1
    """
    )
    expect(
        result,
        "liquidations",
        """
        first_execution_at | ended_at | end_reason  | terminal_equity | liquidation_fees | surplus
                           | 10:01    | self_closed | 49              | 0                | 0
        """,
    )


def test_recovery_is_seen_at_a_later_tick() -> None:
    """The deposit of 10:01 is enough, but margin is looked at when the instrument ticks, at 10:02."""
    result = session(
        START
        + """
    10:01 | transfer    | 100
    10:02 | tick        |        |      |          | 9101
    """
    )
    expect(
        result,
        "liquidations",
        """
        triggered_at | ended_at | end_reason | terminal_equity | deficit
        10:00        | 10:02    | recovered  | 141             | 0
        """,
    )


def test_open_liquidation_is_in_no_row_yet() -> None:
    expect(session(START), "liquidations", "account_id")


def test_venue_liquidates_without_a_breach() -> None:
    """The recomputation sees 540 of equity over a margin of 48: the venue's fill itself opens the episode."""
    result = session("""
        time  | event       | amount | side | quantity | price
        09:00 | transfer    | 940
        09:00 | fill        |        | buy  | 1        | 10000
        09:30 | tick        |        |      |          | 9600
        10:00 | liquidation |        | sell | 1        | 9600
    """)
    expect(
        result,
        "liquidations",
        """
        trigger       | triggered_at | first_execution_at | equity_at_trigger | maintenance_margin_at_trigger
        recorded_fill | 10:00        | 10:00              | 540               | 48
        """,
    )
    expect(
        result,
        "loss_components",
        """
        component | amount
        cushion   | -48
        headroom  | -492
        """,
    )


@pytest.mark.parametrize(
    ("policy", "movements", "wallet"),
    [
        ({}, "liquidation_fee | 4.55 | 4.55", "35.45"),
        ({"liquidation_fee_to": "venue"}, "", "35.45"),
        ({"residual": "to_fund"}, "liquidation_fee | 4.55 | 4.55 \n surplus | 35.45 | 40", "0"),
    ],
    ids=["fee to the fund", "fee to the venue", "residual to the fund"],
)
def test_what_the_fund_gets_of_a_liquidation(policy: dict[str, Any], movements: str, wallet: str) -> None:
    """40 of equity are left at 9,100; the fill there costs a fee of 4.55."""
    result = session(
        START
        + """
    10:01 | liquidation |        | sell | 1        | 9100  | 4.55
    """,
        **policy,
    )
    expect(result, "insurance_fund_ledger", f"kind | amount | balance\n{movements}")
    expect(result, "account_daily", f"closing_wallet\n{wallet}")


def test_residual_of_an_account_that_closed_by_itself_stays_with_it() -> None:
    result = session(
        START
        + """
    10:01 | fill        |        | sell | 1        | 9100
    """,
        residual="to_fund",
    )
    expect(result, "account_daily", "surplus_forfeited | closing_wallet\n 0 | 40")
