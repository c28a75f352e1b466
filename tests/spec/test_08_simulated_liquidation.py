"""Liquidations that the recomputation executes (rules.md section 8, `execution: simulated`)."""

import pytest

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.engine.rules.simulation import closing_price
from tests.spec.tables import expect, parse, session

# 940 on a long of 10,000: below its margin of 45.50 once the mark is 9,100
START = """
    time  | event       | amount | side | quantity | price | fee | bid | ask
    09:00 | transfer    | 940
    09:00 | fill        |        | buy  | 1        | 10000
    09:00 | tick        |        |      |          | 10000
    10:00 | tick        |        |      |          | 9100
"""


@pytest.mark.parametrize(
    "row",
    parse("""
        side | bid  | ask  | slippage | tick_size | price | why
        1    | 100  | 101  | 0        | 0.5       | 100   | a long is sold at the bid
        -1   | 100  | 101  | 0        | 0.5       | 101   | a short is bought at the ask
        1    | 100  | 101  | 0.001    | 0.5       | 99.5  | 99.9, down to the tick
        -1   | 100  | 101  | 0.001    | 0.5       | 101.5 | 101.101, up to the tick
        1    | 100  | 101  | 0.01     | 0.5       | 99    | 99 is on the tick
        1    | 0.3  | 0.4  | 0        | 0.5       | 0.5   | never below one tick
        1    | 100  | 101  | 1        | 0.5       | 0.5   | never below one tick
    """),
    ids=lambda row: row["why"],
)
def test_price_of_a_simulated_liquidation(row: dict[str, str]) -> None:
    bid, ask, slippage, tick_size, price = (
        parse_decimal_e18(row[name]) for name in ("bid", "ask", "slippage", "tick_size", "price")
    )
    assert closing_price(int(row["side"]), bid, ask, slippage, tick_size) == price


def test_simulated_liquidation_closes_at_the_tick_that_triggers_it() -> None:
    """9,095 × (1 − 0.1 %) = 9,085.905, on the tick 9,085.90; fee 0.05 % of that value, 4.54295 → 4.54."""
    result = session(
        """
    time  | event       | amount | side | quantity | price | bid  | ask
    09:00 | transfer    | 940
    09:00 | fill        |        | buy  | 1        | 10000
    10:00 | tick        |        |      |          | 9100  | 9095 | 9105
    """,
        execution="simulated",
        slippage_rate="0.001",
        liquidation_fee_rate="0.0005",
    )
    expect(
        result,
        "liquidations",
        """
        triggered_at | first_execution_at | ended_at | execution | liquidation_fees | terminal_equity
        10:00        | 10:00              | 10:00    | simulated | 4.54             | 21.36
        """,
    )


def test_missing_quote_is_replaced_by_the_mark() -> None:
    """A short is bought at the ask; there is none at 10:00."""
    result = session(
        """
    time  | event       | amount | side | quantity | price | bid  | ask
    09:00 | transfer    | 940
    09:00 | fill        |        | sell | 1        | 10000
    10:00 | tick        |        |      |          | 10900 | 9095 |
    """,
        execution="simulated",
    )
    expect(result, "account_daily", "realised_pnl | closing_wallet\n -900 | 40")


def test_simulated_liquidation_waits_for_its_latency() -> None:
    """90 seconds after 10:00 the first tick is that of 10:01:30; what the price did until then is latency."""
    result = session(
        START
        + """
    10:01    | tick     |        |      |          | 9080
    10:01:30 | tick     |        |      |          | 9070
    10:02    | tick     |        |      |          | 9900
    """,
        execution="simulated",
        latency_us=90_000_000,
    )
    expect(
        result, "liquidations", "triggered_at | first_execution_at | ended_at\n 10:00 | 10:01:30 | 10:01:30"
    )
    expect(
        result,
        "loss_components",
        """
        component      | amount
        cushion        | -45.5
        gap_in_cushion | 5.5
        latency        | 30
        """,
    )


def test_simulation_ignores_the_venues_liquidations_and_applies_all_else() -> None:
    """The venue's liquidation fill does not count; the account's own later fill opens a position again."""
    result = session(
        START
        + """
    10:00 | liquidation |        | sell | 1        | 9000
    10:05 | fill        |        | sell | 1        | 9100
    """,
        execution="simulated",
    )
    expect(result, "liquidations", "end_reason | terminal_equity\n flat | 40")
    expect(result, "positions_daily", "quantity | entry_value\n -1 | 9100")


def test_each_instrument_is_closed_at_its_own_tick() -> None:
    """P ticks at 10:00 and is closed there, Q at 10:05: only then is the unit flat."""
    result = session(
        """
        time  | event    | instrument | amount | side | quantity | price
        09:00 | transfer |            | 100
        09:00 | fill     | P          |        | buy  | 1        | 1000
        09:00 | fill     | Q          |        | buy  | 1        | 1000
        09:00 | tick     | P          |        |      |          | 1000
        09:00 | tick     | Q          |        |      |          | 1000
        10:00 | tick     | P          |        |      |          | 905
        10:05 | tick     | Q          |        |      |          | 1010
        """,
        instruments="""
        instrument | kind   | currency | multiplier | tick_size
        P          | linear | USD      | 1          | 0.1
        Q          | linear | USD      | 1          | 0.1
        """,
        execution="simulated",
    )
    expect(result, "liquidations", "first_execution_at | ended_at | terminal_equity\n 10:00 | 10:05 | 15")
