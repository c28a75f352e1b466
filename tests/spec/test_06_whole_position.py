"""Margin on the whole position, and tiers by quantity (rules.md section 6)."""

import pytest

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.numbers import E18, e18_to_units, units_to_e18
from lossledger.engine.rules.margin import MarginRule, TierTable
from tests.spec.tables import expect, parse, session

TIERS = """
    instrument | floor | rate
    P          | 0     | 0.01
    P          | 1000  | 0.02
"""


@pytest.mark.parametrize(
    "row",
    parse("""
        notional | quantity | whole | by_quantity | margin | why
        1500     | 1        | false | false       | 20     | 1,500 × 2 % − 10
        1500     | 1        | true  | false       | 30     | 1,500 × 2 %: nothing is deducted
        999.99   | 1        | true  | false       | 10     | 9.9999, up to the next unit
        1500     | 999      | true  | true        | 15     | below the floor of 1,000 contracts
        1500     | 1000     | true  | true        | 30     | a floor belongs to its tier
    """),
    ids=lambda row: row["why"],
)
def test_margin_of_a_position(row: dict[str, str]) -> None:
    """1 %, and 2 % from a floor of 1,000 on."""
    table = TierTable([(0, E18 // 100), (1000 * E18, E18 // 50)], scale=2)
    notional, quantity = (
        e18_to_units(parse_decimal_e18(row["notional"]), 2),
        parse_decimal_e18(row["quantity"]),
    )
    rule = MarginRule(row["whole"] == "true", row["by_quantity"] == "true")
    margin = table.maintenance_margin_units(notional, quantity, rule)
    assert units_to_e18(margin, 2) == parse_decimal_e18(row["margin"])


def test_the_rule_is_that_of_the_tick() -> None:
    """25 of equity: enough for the 20 of 10:00, and not for the 30 that are needed from 10:30 on."""
    result = session(
        """
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 25
        09:00 | fill     |        | buy  | 1        | 1500
        10:00 | tick     |        |      |          | 1500
        11:00 | tick     |        |      |          | 1500
        """,
        tiers=TIERS,
        execution="simulated",
        later=[{"valid_from": "2025-10-10T10:30:00Z", "margin_on": "whole"}],
    )
    expect(
        result,
        "liquidations",
        "triggered_at | equity_at_trigger | maintenance_margin_at_trigger | end_reason\n 11:00 | 25 | 30 | flat",
    )


def test_a_rate_that_holds_for_the_whole_position_liquidates_where_marginal_tiers_do_not() -> None:
    """15 bought at 100 with 100, at 95 worth 25: less than 1,425 × 2 % = 28.5, more than 1,425 × 2 % − 10 = 18.5."""
    events = """
        time  | event    | amount | side | quantity | price
        00:00 | transfer | 100
        01:00 | fill     |        | buy  | 15       | 100
        02:00 | tick     |        |      |          | 95
        03:00 | tick     |        |      |          | 96
        """
    expect(
        session(events, tiers=TIERS, execution="simulated", margin_on="whole"),
        "liquidations",
        "triggered_at | equity_at_trigger | maintenance_margin_at_trigger\n 02:00 | 25 | 28.5",
    )
    expect(session(events, tiers=TIERS, execution="simulated"), "liquidations", "triggered_at")
