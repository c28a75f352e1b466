"""Contract value (rules.md section 2)."""

import pytest

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.numbers import units_to_e18
from lossledger.engine.rules.contracts import Contract
from tests.spec.tables import expect, parse, session

KINDS = """
    instrument | kind    | currency | multiplier | tick_size
    LIN        | linear  | USD      | 1          | 0.001
    QUA        | quanto  | USD      | 0.01       | 0.1
    INV        | inverse | BTC      | 1          | 0.5
"""
SCALES = {"USD": 2, "BTC": 8}


@pytest.mark.parametrize(
    "row",
    parse("""
        kind    | scale | multiplier | quantity | price   | value       | why
        linear  | 2     | 1          | 2        | 100.5   | 201         | q × multiplier × p
        linear  | 2     | 0.01       | 3        | 60140.9 | 1804.23     | 1804.227 to the nearest unit
        linear  | 2     | 1          | 1        | 0.125   | 0.12        | a half goes to the even unit
        linear  | 2     | 1          | 1        | 0.135   | 0.14        | a half goes to the even unit
        linear  | 0     | 1          | 1        | 0.5     | 0           | a position may be worth nothing
        quanto  | 8     | 0.000001   | 10       | 3000.05 | 0.0300005   | the multiplier is in settlement currency
        inverse | 8     | 1          | 100      | 60000   | 0.00166667  | q × multiplier / p
        inverse | 8     | 10         | 100      | 60000   | 0.01666667  | q × multiplier / p
    """),
    ids=lambda row: f"{row['kind']} {row['value']}",
)
def test_contract_value(row: dict[str, str]) -> None:
    """V(q, p) is rounded half to even, to one ledger unit of the settlement currency."""
    scale = int(row["scale"])
    contract = Contract("X", row["kind"], "C", scale, parse_decimal_e18(row["multiplier"]))
    value = contract.value_units(parse_decimal_e18(row["quantity"]), parse_decimal_e18(row["price"]))
    assert units_to_e18(value, scale) == parse_decimal_e18(row["value"])


def test_longs_gain_when_the_price_rises_in_every_contract() -> None:
    """100 to 110: an inverse contract falls in value, and its direction −1 makes that a gain of the long."""
    result = session(
        """
        time  | account | event | instrument | side | quantity | price
        09:00 | long    | fill  | LIN        | buy  | 2        | 100
        09:00 | long    | fill  | INV        | buy  | 1000     | 100
        09:00 | short   | fill  | LIN        | sell | 2        | 100
        09:00 | short   | fill  | INV        | sell | 1000     | 100
        10:00 |         | tick  | LIN        |      |          | 110
        10:00 |         | tick  | INV        |      |          | 110
        """,
        instruments=KINDS,
        accounts="""
        account | type
        long    | house
        short   | house
        """,
        currencies=SCALES,
    )
    expect(
        result,
        "account_daily",
        """
        account_id | currency | unrealised_pnl
        long       | USD      | 20
        long       | BTC      | 0.90909091
        short      | USD      | -20
        short      | BTC      | -0.90909091
        """,
    )
