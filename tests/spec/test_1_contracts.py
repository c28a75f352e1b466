"""Contract value and positions (rules.md sections 2, 4 and 5)."""

import pytest

from engine.contracts import Contract
from engine.numbers import units_to_e18
from engine.parsing import parse_decimal_e18
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


def test_average_entry_value() -> None:
    """An increase adds its value; a reduction takes out its part of the entry value, and the rest stays."""
    result = session("""
        time  | event | side | quantity | price
        09:00 | fill  | buy  | 1        | 100
        09:01 | fill  | buy  | 2        | 106
        09:02 | fill  | sell | 1        | 110
    """)
    expect(
        result,
        "positions_daily",
        """
        instrument_id | quantity | entry_value
        P             | 2        | 208
        """,
    )
    expect(
        result,
        "account_daily",
        """
        realised_pnl | closing_wallet
        6            | 6
        """,
    )


@pytest.mark.parametrize(
    ("price", "stays", "realised"), [("50.005", "50.01", "10"), ("50.015", "50.01", "9.98")]
)
def test_entry_value_of_a_reduction_is_rounded_half_to_even(price: str, stays: str, realised: str) -> None:
    """Half of 100.01 is 50.005: 50.00 leaves and 50.01 stays. Half of 100.03 is 50.015: 50.02 leaves."""
    result = session(
        f"""
        time  | event | instrument | side | quantity | price
        09:00 | fill  | LIN        | buy  | 2        | {price}
        09:01 | fill  | LIN        | sell | 1        | 60
        """,
        instruments=KINDS,
        currencies=SCALES,
    )
    expect(result, "positions_daily", f"quantity | entry_value\n 1 | {stays}")
    expect(result, "account_daily", f"realised_pnl\n {realised}")


def test_fill_larger_than_the_position_turns_it() -> None:
    """Selling 5 at 110 closes the long of 2 for 220 of the 550, and opens a short of 3 with the other 330."""
    result = session("""
        time  | event | side | quantity | price
        09:00 | fill  | buy  | 2        | 100
        09:01 | fill  | sell | 5        | 110
    """)
    expect(result, "positions_daily", "quantity | entry_value\n -3 | 330")
    expect(result, "account_daily", "realised_pnl\n 20")


@pytest.mark.parametrize(
    ("price", "opens", "realised"), [("50.005", "50.01", "10"), ("50.015", "50.01", "10.02")]
)
def test_value_of_a_turning_fill_is_cut_without_a_remainder(price: str, opens: str, realised: str) -> None:
    """100.01 for 2: the closing half counts 50.00, half to even, and the opening one has what is left, 50.01."""
    result = session(
        f"""
        time  | event | instrument | side | quantity | price
        09:00 | fill  | LIN        | buy  | 1        | 40
        09:01 | fill  | LIN        | sell | 2        | {price}
        """,
        instruments=KINDS,
        currencies=SCALES,
    )
    expect(result, "positions_daily", f"quantity | entry_value\n -1 | {opens}")
    expect(result, "account_daily", f"realised_pnl\n {realised}")


def test_a_fee_is_paid_and_a_rebate_received_in_every_case() -> None:
    result = session("""
        time  | event    | amount | side | quantity | price | fee
        09:00 | transfer | 10
        09:01 | fill     |        | buy  | 1        | 100   | 0.05
        09:02 | fill     |        | sell | 1        | 100   | -0.02
    """)
    expect(
        result,
        "account_daily",
        """
        transfers | fees | closing_wallet
        10        | 0.03 | 9.97
        """,
    )


def test_longs_pay_a_positive_funding_rate_to_shorts() -> None:
    """Every holder at that instant: also of a position opened at it, as fills come before funding."""
    result = session("""
        time  | account | event    | side | quantity | price | rate
        07:00 | long    | fill     | buy  | 2        | 100
        08:00 | short   | fill     | sell | 2        | 100
        08:00 |         | funding  |      |          | 110   | 0.001
        16:00 |         | funding  |      |          | 110   | -0.0005
    """)
    expect(
        result,
        "account_daily",
        """
        account_id | funding
        long       | -0.11
        short      | 0.11
        """,
    )


def test_a_position_without_a_mark_is_worth_its_entry() -> None:
    result = session("""
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 10
        09:01 | fill     |        | buy  | 1        | 100
    """)
    expect(result, "positions_daily", "quantity | entry_value | mark_price\n 1 | 100 |")
    expect(result, "account_daily", "unrealised_pnl | equity\n 0 | 10")
