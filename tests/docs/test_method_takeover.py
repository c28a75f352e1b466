"""The worked numbers of docs/method.md about positions that are taken over: every table there is computed here."""

from tests.docs.test_method_examples import quoted_table
from tests.spec.tables import session


def test_what_the_fund_makes_of_two_lots() -> None:
    result = session(
        """
    time  | account | event       | amount | side | quantity | price | trade
    09:00 | A       | transfer    | 22
    09:00 | A       | fill        |        | buy  | 2        | 100
    10:00 |         | tick        |        |      |          | 90
    10:01 | A       | liquidation |        | sell | 2        | 89    | t
    10:01 | L       | fill        |        | buy  | 2        | 89    | t
    11:00 |         | tick        |        |      |          | 93
    11:01 | L       | fill        |        | sell | 1        | 92
    12:00 |         | tick        |        |      |          | 82
    12:01 | L       | fill        |        | sell | 1        | 80
    """,
        accounts="account | type\n L | liquidator",
    )
    closings = sorted(result.tables["takeovers"], key=lambda row: row["closed_at"])
    names = ("open_value", "at_takeover", "market_move", "execution", "fees", "result")
    _, *rows = quoted_table("## Positions that are taken over")
    assert [row[1:] for row in rows] == [[closing[name] for closing in closings] for name in names]
    [liquidation] = result.tables["liquidations"]
    assert liquidation["terminal_equity"] == "0"


def test_the_value_at_which_a_unit_is_taken_over() -> None:
    _, *rows = quoted_table("**A simulated takeover has no price.**")
    assert [taken_over(*row[0].split(",")) for row in rows] == [row[1:] for row in rows]


def taken_over(worth: str, unprotected: str = "") -> list[str]:
    """What the fund pays for P and Q, and what is left in the wallet; 9 of losses are in the marks."""
    result = session(
        f"""
    time  | event    | instrument | amount | side | quantity | price
    09:00 | transfer | P          | 9
    09:00 | transfer | P          | {worth}
    09:00 | fill     | P          |        | buy  | 1        | 100
    09:00 | fill     | Q          |        | buy  | 1        | 100
    10:00 | tick     | P          |        |      |          | 95
    10:00 | tick     | Q          |        |      |          | 96
    """,
        instruments="""
    instrument | kind   | currency | multiplier | tick_size
    P          | linear | USD      | 1          | 0.1
    Q          | linear | USD      | 1          | 0.1
    """,
        accounts=f"account | protected\n a | {'false' if unprotected else 'true'}",
        execution="simulated",
        liquidation_style="takeover",
        unwind_us=1,
    )
    lots = {row["instrument_id"]: row["open_value"] for row in result.tables["takeover_inventory"]}
    [account] = result.tables["account_daily"]
    left = account["closing_wallet"]
    return [lots["P"], lots["Q"], f"{left}0" if "." in left else left]
