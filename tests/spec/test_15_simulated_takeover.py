"""Units that go to the fund as a whole, and lots that are unwound later (rules.md section 15)."""

import pytest

from tests.spec.tables import expect, parse, session

TWO = """
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
    Q          | linear | USD      | 1          | 0.1
"""
# a long of 1 of each at 100; marks at 10:00 are 95 and 96, margins 0.48 each
BOTH = """
    time  | event    | instrument | amount | side | quantity | price
    09:00 | transfer |            | {amount}
    09:00 | fill     | P          |        | buy  | 1        | 100
    09:00 | fill     | Q          |        | buy  | 1        | 100
    09:00 | tick     | P          |        |      |          | 100
    09:00 | tick     | Q          |        |      |          | 100
    10:00 | tick     | P          |        |      |          | 95
    10:00 | tick     | Q          |        |      |          | 96
"""
TAKEOVER = {"execution": "simulated", "liquidation_style": "takeover", "unwind_us": 3_600_000_000}


@pytest.mark.parametrize(
    "row",
    parse("""
        amount | protected | P     | Q     | wallet | why
        9.51   | true      | 94.74 | 95.75 | 0      | 0.51 is left, 0.26 and 0.25 by margin: the fund pays less
        9      | true      | 95    | 96    | 0      | nothing is left: at the mark
        8.7    | true      | 95.15 | 96.15 | 0      | 0.30 is missing: the fund pays more
        8.7    | false     | 95    | 96    | -0.3   | nobody covers it: at the mark, and the account owes
    """),
    ids=lambda row: row["why"],
)
def test_the_value_at_which_a_unit_is_taken_over(row: dict[str, str]) -> None:
    """Left or missing is split by maintenance margin, 0.48 of each, the odd cent to P."""
    accounts = f"account | protected\n a | {row['protected']}"
    result = session(BOTH.format(amount=row["amount"]), instruments=TWO, accounts=accounts, **TAKEOVER)
    expect(
        result,
        "takeover_inventory",
        f"""
        instrument_id | from_account_id | account_id | open_value
        P             | a               | liquidator | {row["P"]}
        Q             | a               | liquidator | {row["Q"]}
        """,
    )
    expect(result, "account_daily", f"account_id | closing_wallet\n a | {row['wallet']}")
    components = [c for c in result.tables["loss_components"] if c["component"] == "takeover"]
    assert len(components) == (2 if row["P"] != "95" else 0)


def test_a_takeover_counts_as_a_liquidation_fill_without_price_and_fee() -> None:
    result = session(BOTH.format(amount="9.51"), instruments=TWO, **TAKEOVER)
    expect(
        result,
        "liquidations",
        "first_execution_at | end_reason | terminal_equity | liquidation_fees\n 10:00 | flat | 0 | 0",
    )
    expect(
        result,
        "liquidation_positions",
        """
        instrument_id | liquidation_fills | filled_quantity | filled_value
        P             | 1                 | 1               | 94.74
        Q             | 1                 | 1               | 95.75
        """,
    )


# a long of 1 at 100 with 9.70 in the wallet is worth 0.20 at 90.50: the fund has it for 90.30
ONE = """
    time     | event    | amount | side | quantity | price | bid
    09:00    | transfer | 9.7
    09:00    | fill     |        | buy  | 1        | 100
    09:00    | tick     |        |      |          | 100
    10:00    | tick     |        |      |          | 90.5  | 90.4
    10:59:59 | tick     |        |      |          | 80    | 80
    11:00    | tick     |        |      |          | 91    | 90.8
"""


@pytest.mark.parametrize(
    ("unwind_us", "closed_at", "result"),
    [(0, "10:00", "0.1"), (1, "10:59:59", "-10.3"), (3_600_000_000, "11:00", "0.5")],
)
def test_a_lot_is_closed_at_its_first_tick_after_a_while(unwind_us: int, closed_at: str, result: str) -> None:
    """In full, at the bid for a long."""
    found = session(ONE, **TAKEOVER | {"unwind_us": unwind_us})
    expect(found, "takeovers", f"opened_at | closed_at | result\n 10:00 | {closed_at} | {result}")


def test_the_policy_is_that_of_the_tick() -> None:
    """At 10:59:59 an hour has to pass, at 11:00 half of one: recorded execution does not keep a simulated lot open."""
    later = [
        {
            "valid_from": "2025-10-10T11:00:00Z",
            "unwind_us": 1,
            "execution": "recorded",
            "unwind_fee_rate": "0.01",
        }
    ]
    found = session(ONE, **TAKEOVER, later=later)
    expect(
        found,
        "takeovers",
        """
        closed_at | open_value | close_value | fees | result | at_takeover | market_move | execution
        11:00     | 90.3       | 90.8        | 0.91 | -0.41  | 0.2         | 0.5         | -0.2
        """,
    )
    expect(
        found,
        "negative_balances",
        "account_id | client_class | cause | deficit\n liquidator | institutional | takeover | 0.41",
    )


def test_a_lot_is_closed_in_a_later_session() -> None:
    """By nobody's unit: its account has no row."""
    found = session(
        "time | event | price\n 00:30 | tick | 92",
        before=ONE,
        **TAKEOVER | {"unwind_us": 14 * 3_600_000_000},
    )
    expect(found, "takeovers", "from_account_id | closed_at | result\n a | 00:30 | 1.7")
    expect(found, "account_daily", "account_id")
    expect(found, "insurance_fund_ledger", "kind | amount\n takeover_gain | 1.7")


def test_a_unit_is_taken_over_when_every_position_has_a_mark() -> None:
    """Q has none at 10:00, when the venue's latency is over; at 10:05 all of the unit goes, though P does not tick."""
    found = session(
        """
    time  | event    | instrument | amount | side | quantity | price
    09:00 | transfer |            | 5
    09:00 | fill     | P          |        | buy  | 1        | 100
    09:30 | tick     | P          |        |      |          | 95
    09:40 | fill     | Q          |        | buy  | 1        | 100
    10:00 | tick     | P          |        |      |          | 95
    10:05 | tick     | Q          |        |      |          | 100
    """,
        instruments=TWO,
        **TAKEOVER | {"latency_us": 1},
    )
    expect(found, "liquidations", "triggered_at | first_execution_at | ended_at\n 09:30 | 10:05 | 10:05")


@pytest.mark.parametrize(
    ("below", "taken"), [("1", True), ("2/3", True), ("0.44", True), ("0.43", False), ("20/46", False)]
)
def test_a_backstop_takes_over_below_a_share_of_the_margin(below: str, taken: bool) -> None:
    """Worth 0.20 of 0.46 of margin (90.50 × 0.5 %): 20/46 of it is not below 20/46."""
    found = session(ONE, execution="simulated", liquidation_style="backstop", backstop_below=below)
    expect(found, "liquidations", "first_execution_at | end_reason\n 10:00 | flat")
    assert bool(found.tables["takeovers"]) == taken
