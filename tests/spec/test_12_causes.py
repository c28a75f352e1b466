"""Why a deficit happened, cause by cause (rules.md section 12)."""

import json
from pathlib import Path

from tests.spec.tables import expect, session

VECTORS = Path(__file__).parents[1] / "data" / "protocol_vectors" / "worked_examples.json"


def test_linear_example() -> None:
    """20,000 on a long of 10 at 50,000, bankrupt at 48,000: sold at 47,900 and 47,600, 3,038.60 are missing.

    By the bankruptcy price: 4 × (48,000 − 47,900) + 6 × (48,000 − 47,600) + 238.60 of fees = 3,038.60.
    """
    result = session(
        """
        time  | event       | amount | side | quantity | price | fee
        08:00 | fund        | 2000
        09:00 | transfer    | 20000
        09:00 | fill        |        | buy  | 10       | 50000
        10:00 | tick        |        |      |          | 48100
        10:01 | tick        |        |      |          | 47950
        10:02 | liquidation |        | sell | 4        | 47900 | 95.80
        10:03 | tick        |        |      |          | 47750
        10:04 | liquidation |        | sell | 6        | 47600 | 142.80
        """,
        liquidation_fee_to="venue",
    )
    expect(
        result,
        "loss_components",
        """
        component      | instrument_id | amount
        cushion        |               | -2405
        gap_in_cushion |               | 1405
        latency        | P             | 1500
        market_move    | P             | 1200
        execution      | P             | 1100
        fees           | P             | 238.6
        """,
    )
    expect(result, "negative_balances", "deficit | fund_draw | shortfall\n 3038.6 | 2000 | 1038.6")


def test_inverse_example() -> None:
    """1,000,000 USD long at 50,000 with 0.4 BTC: the causes are differences of values, so nothing is left over.

    Values are rounded to a unit where they are taken, so the parts are up to 0.00000001 from unrounded ones and
    the sum is not.
    """
    result = session(
        """
        time  | event       | amount | side | quantity | price | fee
        09:00 | transfer    | 0.4
        09:00 | fill        |        | buy  | 1000000  | 50000
        10:00 | tick        |        |      |          | 49100
        10:01 | tick        |        |      |          | 48950
        10:02 | liquidation |        | sell | 600000   | 48900 | 0.00613497
        10:03 | tick        |        |      |          | 48700
        10:04 | liquidation |        | sell | 400000   | 48500 | 0.00412371
        """,
        instruments="""
        instrument | kind    | currency | multiplier | tick_size
        X          | inverse | BTC      | 1          | 0.5
        """,
        currencies={"BTC": 8},
    )
    expect(
        result,
        "loss_components",
        """
        component      | amount
        cushion        | -0.101833
        gap_in_cushion | 0.06843178
        latency        | 0.06241041
        market_move    | 0.04194868
        execution      | 0.04640346
        fees           | 0.01025868
        """,
    )
    expect(result, "negative_balances", "deficit\n 0.12762001")
    example = json.loads(VECTORS.read_text(), parse_float=str)["attribution_inverse_btc"]
    assert example["minus_ET"] == "0.12762001"


def test_gap_past_bankruptcy() -> None:
    """The first tick under margin finds equity at −60 already: 45 of cushion and 60 more, before anybody acts."""
    result = session("""
        time  | event       | amount | side | quantity | price
        09:00 | transfer    | 940
        09:00 | fill        |        | buy  | 1        | 10000
        10:00 | tick        |        |      |          | 9000
        10:01 | liquidation |        | sell | 1        | 9000
    """)
    expect(
        result,
        "loss_components",
        """
        component           | amount
        cushion             | -45
        gap_in_cushion      | 45
        gap_past_bankruptcy | 60
        """,
    )


def test_what_else_happens_during_a_liquidation_has_its_own_cause() -> None:
    """Funding, a transfer and a fill of the account's own between the trigger and the end."""
    result = session("""
        time  | event       | amount | side | quantity | price | fee | rate
        09:00 | transfer    | 940
        09:00 | fill        |        | buy  | 1        | 10000
        10:00 | tick        |        |      |          | 9100
        10:01 | funding     |        |      |          | 9100  |     | 0.001
        10:02 | transfer    | 3
        10:03 | fill        |        | sell | 0.5      | 9090  | 1
        10:04 | liquidation |        | sell | 0.5      | 9080  | 2
    """)
    expect(
        result,
        "loss_components",
        """
        component       | instrument_id | amount
        cushion         |               | -45.5
        gap_in_cushion  |               | 5.5
        funding         | P             | 9.1
        other_flows     |               | -3
        account_trading | P             | 5
        execution       | P             | 10
        fees            | P             | 3
        """,
    )
    expect(result, "liquidations", "terminal_equity\n 15.9")


# Liquidated at 9,100 where the mark is 9,000, at 10:01: 100 a contract better than the mark
TAKEN_OVER = """
    time  | account | event       | trade | amount | side | quantity | price | fee
    09:00 | a       | transfer    |       | 940
    09:00 | a       | fill        |       |        | buy  | 1        | 10000
    09:00 | w       | transfer    |       | 10000
    09:00 | w       | fill        |       |        | sell | 1        | 10000
    10:00 |         | tick        |       |        |      |          | 9000
    10:01 | a       | liquidation | x     |        | sell | 1        | 9100  | 2
"""


def causes(events: str, **policy: object) -> dict[str, str]:
    """The components of the one episode that the account `a` has."""
    rows = session(TAKEN_OVER + events, **policy).tables["loss_components"]
    return {
        row["component"]: row["amount"] for row in rows if row["component"] in ("execution", "adl", "fees")
    }


def test_what_deleveraging_spared_the_account_is_apart_from_its_execution() -> None:
    """The deleveraged gave 100 more than the mark: that much smaller is the deficit. The fee is a fee."""
    events = "10:01 | w | adl | x | | buy | 1 | 9100"
    assert causes(events) == {"adl": "-100", "fees": "2"}
    result = session(TAKEN_OVER + events)
    expect(result, "adl_losses", "account_id | amount\n w | 100")


def test_the_whole_fill_counts_also_when_others_took_part_of_it() -> None:
    """0.3 by deleveraging and 0.7 by somebody who wanted it: the price is one."""
    events = """
    10:01 | w       | adl         | x     |        | buy  | 0.3      | 9100
    10:01 | v       | fill        | x     |        | buy  | 0.7      | 9100
    """
    assert causes(events) == {"adl": "-100", "fees": "2"}


def test_deleveraging_of_another_trade_or_another_time_is_not_this_fills() -> None:
    for events in (
        "10:01 | w | adl  | y | | buy | 1 | 9100",
        "10:01:00.000001 | w | adl  | x | | buy | 1 | 9100",
        "10:01 | w | fill | x | | buy | 1 | 9100",
    ):
        assert causes(events) == {"execution": "-100", "fees": "2"}, events


def test_each_fill_of_an_episode_has_its_own_cause() -> None:
    """Half was sold to the market, 50 under the mark a contract, and half was taken over, 100 above it."""
    result = session("""
        time  | account | event       | trade | amount | side | quantity | price
        09:00 | a       | transfer    |       | 940
        09:00 | a       | fill        |       |        | buy  | 1        | 10000
        09:00 | w       | fill        |       |        | sell | 1        | 10000
        10:00 |         | tick        |       |        |      |          | 9000
        10:01 | a       | liquidation | m     |        | sell | 0.5      | 8950
        10:02 | a       | liquidation | x     |        | sell | 0.5      | 9100
        10:02 | w       | adl         | x     |        | buy  | 0.5      | 9100
    """)
    expect(
        result,
        "loss_components",
        """
        component           | instrument_id | amount
        cushion             |               | -45
        gap_in_cushion      |               | 45
        gap_past_bankruptcy |               | 60
        execution           | P             | 25
        adl                 | P             | -50
        """,
    )


def test_being_deleveraged_in_an_episode_of_ones_own_is_trading() -> None:
    """A short under margin is reduced to take over somebody else: its own liquidation has nothing to do with it."""
    result = session("""
        time  | event       | trade | amount | side | quantity | price
        09:00 | transfer    |       | 1040
        09:00 | fill        |       |        | sell | 1        | 10000
        10:00 | tick        |       |        |      |          | 11000
        10:01 | adl         | x     |        | buy  | 0.5      | 11010
        10:02 | liquidation | m     |        | buy  | 0.5      | 11020
    """)
    found = {row["component"]: row["amount"] for row in result.tables["loss_components"]}
    assert (found["account_trading"], found["execution"], "adl" in found) == ("5", "10", False)


def test_a_simulated_liquidation_is_never_met_by_deleveraging() -> None:
    """The venue's own fills, with which somebody was deleveraged, are ignored."""
    events = "10:01 | w | adl | x | | buy | 1 | 9100"
    assert causes(events, execution="simulated", slippage_rate="0.01") == {"execution": "90"}
