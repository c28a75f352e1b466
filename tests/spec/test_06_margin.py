"""Maintenance margin and equity (rules.md section 6)."""

import pytest

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.numbers import e18_to_units, units_to_e18
from lossledger.engine.rules.margin import TierTable
from tests.spec.tables import expect, parse, session


@pytest.mark.parametrize(
    "row",
    parse("""
        notional  | margin  | why
        0         | 0       | a position may be worth nothing
        100.01    | 0.41    | 0.40004: up to the next unit
        49999.99  | 200     | 199.99996: up to the next unit
        50000     | 200     | a floor belongs to its tier, and margin does not jump there
        250000    | 1200    | 250000 × 1 % − 1300
        300000    | 1700    | 300000 × 1 % − 1300
    """),
    ids=lambda row: row["notional"],
)
def test_tiers(row: dict[str, str]) -> None:
    """MM = ceil(n × rate − deduction): 0.4 %, from 50,000 on 0.5 % − 50, from 250,000 on 1 % − 1,300."""
    steps = [("0", "0.004"), ("50000", "0.005"), ("250000", "0.01")]
    table = TierTable([(parse_decimal_e18(floor), parse_decimal_e18(rate)) for floor, rate in steps], scale=2)
    notional = e18_to_units(parse_decimal_e18(row["notional"]), 2)
    assert units_to_e18(table.maintenance_margin_units(notional), 2) == parse_decimal_e18(row["margin"])


def test_a_position_without_a_mark_is_worth_its_entry() -> None:
    result = session("""
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 10
        09:01 | fill     |        | buy  | 1        | 100
    """)
    expect(result, "positions_daily", "quantity | entry_value | mark_price\n 1 | 100 |")
    expect(result, "account_daily", "unrealised_pnl | equity\n 0 | 10")
