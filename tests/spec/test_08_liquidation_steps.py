"""Simulated liquidations step by step, until recovered, with fees limited by equity (rules.md section 8)."""

import pytest

from tests.spec.tables import expect, parse, session

# a long of 10 at 100 with 15 in the wallet: below its margin of 4.95 once the mark is 99
TEN = """
    time  | event    | amount | side | quantity | price
    09:00 | transfer | 15
    09:00 | fill     |        | buy  | 10       | 100
    09:00 | tick     |        |      |          | 100
    10:00 | tick     |        |      |          | 98.8
"""


def positions(steps: list[str], lot_size: str = "0.1", **policy: object) -> str:
    """What is left of the ten at the end of the day."""
    result = session(
        TEN
        + "    10:01 | tick     |        |      |          | 98.8\n    10:02 | tick     |        |      |          | 98.8\n",
        instruments=f"""
        instrument | kind   | currency | multiplier | tick_size | lot_size
        P          | linear | USD      | 1          | 0.1       | {lot_size}
        """,
        execution="simulated",
        liquidation_steps=steps,
        **policy,
    )
    rows = result.tables["positions_daily"]
    return rows[0]["quantity"] if rows else "0"


@pytest.mark.parametrize(
    "row",
    parse("""
        steps    | lot_size | left | why
        1        | 0.1      | 0    | all at once
        0.2,1    | 0.1      | 0    | 2, then all of the rest
        0.2      | 0.1      | 5.1  | 2 of 10, 1.6 of 8, 1.3 of 6.4: up to the lot, and the last share goes on
        0.2,0.5  | 0.1      | 2    | 2 of 10, half of 8, half of 4
        0.25     | 1        | 3    | 3 of 10, 2 of 7, 2 of 5
        0.01     | 20       | 0    | a lot is more than there is
    """),
    ids=lambda row: row["why"],
)
def test_a_step_closes_its_share(row: dict[str, str]) -> None:
    """Three ticks below the margin, at 10:00, 10:01 and 10:02."""
    assert positions(row["steps"].split(","), row["lot_size"]) == row["left"]


@pytest.mark.parametrize(
    ("cooldown_us", "left"),
    [(0, "5.1"), (60_000_000, "5.1"), (60_000_001, "6.4"), (120_000_000, "6.4"), (120_000_001, "8")],
)
def test_the_next_step_waits(cooldown_us: int, left: str) -> None:
    """Ticks at 10:00, 10:01 and 10:02: what ticks before the cool-down is over is not closed."""
    assert positions(["0.2"], liquidation_cooldown_us=cooldown_us) == left


@pytest.mark.parametrize(("above", "left"), [("632.31", "5.1"), ("632.32", "0")])
def test_a_small_position_is_closed_in_full(above: str, left: str) -> None:
    """At the third tick 6.4 are left, worth 632.32."""
    assert positions(["0.2"], liquidation_partial_above={"USD": above}) == left


def test_closing_ends_when_the_unit_has_recovered() -> None:
    """Half is closed at 10:00. At 10:01 equity is 3 and the margin of 5 contracts 2.47: it no longer breaches."""
    result = session(
        TEN + "    10:01 | tick     |        |      |          | 98.8\n",
        execution="simulated",
        liquidation_steps=["0.5"],
        liquidation_until="recovered",
    )
    expect(
        result,
        "liquidations",
        "ended_at | end_reason | terminal_equity | deficit\n 10:01 | recovered | 3 | 0",
    )
    expect(result, "positions_daily", "quantity\n 5")


def test_a_unit_recovers_during_the_latency() -> None:
    """Nothing is closed at all: at 10:01 the mark is back."""
    result = session(
        TEN
        + "    10:01 | tick     |        |      |          | 100\n    10:02 | tick     |        |      |          | 100\n",
        execution="simulated",
        latency_us=60_000_000,
        liquidation_until="recovered",
    )
    expect(result, "liquidations", "first_execution_at | ended_at | end_reason\n | 10:01 | recovered")


@pytest.mark.parametrize(
    ("cap", "fee", "wallet"),
    [("none", "9.88", "-6.88"), ("equity", "3", "0")],
    ids=["in full", "what is there"],
)
def test_a_fee_may_be_limited_by_what_the_fill_left(cap: str, fee: str, wallet: str) -> None:
    """1 % of 988 is 9.88; after the fill the account has 15 − 12 = 3."""
    result = session(
        TEN,
        accounts="account | protected\n a | false",
        execution="simulated",
        liquidation_fee_rate="0.01",
        liquidation_fee_cap=cap,
    )
    expect(result, "account_daily", f"fees | closing_wallet\n {fee} | {wallet}")
    expect(result, "liquidations", f"liquidation_fees\n {fee}")
