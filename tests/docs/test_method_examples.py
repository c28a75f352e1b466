"""The worked numbers of docs/method.md that are about what a reader might take for something else."""

import re
from decimal import Decimal

from tests.docs.pages import ROOT
from tests.spec.tables import Cells, Result, session

METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
ONE_PERCENT = """
    instrument | floor | rate
    P          | 0     | 0.01
"""


def quoted_table(after: str) -> list[list[str]]:
    """The cells of the first table in a quotation after a text of the page, without marks of emphasis."""
    text = METHOD.split(after, 1)[1]
    rows = re.search(r"(?:^> \|.*\n)+", text, re.MULTILINE)
    assert rows
    lines = [[cell.strip(" *") for cell in line[3:-1].split("|")] for line in rows[0].splitlines()]
    return [line for line in lines if not line[0].startswith("---")]


def components(result: Result) -> dict[str, str]:
    return {row["component"]: row["amount"] for row in result.tables["loss_components"]}


def total(rows: list[Cells], column: str) -> Decimal:
    return sum((Decimal(row[column]) for row in rows), Decimal(0))


def falling(*marks: tuple[str, int]) -> Result:
    ticks = "".join(f"\n{time} | tick | | | | {mark}" for time, mark in marks)
    return session(
        f"""
        time  | event       | amount | side | quantity | price
        09:00 | transfer    | 10
        09:00 | fill        |        | buy  | 1        | 100{ticks}
        10:06 | liquidation |        | sell | 1        | 85
        """
    )


def test_gap_or_latency_depends_on_how_often_marks_are_delivered() -> None:
    dense = components(falling(("10:00", 91), ("10:01", 89), ("10:05", 85)))
    rare = components(falling(("10:05", 85)))
    _, *rows, whole = quoted_table("depends on how often marks are delivered")
    assert {name: amount for name, amount, _ in rows if amount} == dense
    assert {name: amount for name, _, amount in rows if amount} == rare
    assert whole == ["sum", *(str(sum(map(Decimal, found.values())).normalize()) for found in (dense, rare))]


def test_components_of_a_day_mix_covered_and_uncovered_deficits() -> None:
    trades = [
        f"{line} | {account}"
        for account in ("a", "b")
        for line in (
            "09:00 | transfer | 10 | | | | ",
            "09:00 | fill | | buy | 1 | 100 | ",
            "10:01 | liquidation | | sell | 1 | 85 | 0.10",
        )
    ]
    marks = ["09:30 | funding | | | | 100 | | | 0.000333", "10:00 | tick | | | | 90"]
    head = "time | event | amount | side | quantity | price | fee | account | rate"
    result = session(
        "\n".join([head, *trades, *marks]),
        tiers=ONE_PERCENT,
        accounts="account | protected\n b | false",
    )
    (losses,) = result.tables["session_losses"]
    assert total(result.tables["loss_components"], "amount") == Decimal("10.26")
    assert (losses["deficit"], losses["unprotected_deficit"]) == ("5.13", "5.13")
    for told in ("components of the day add up to 10.26", "`session_losses` has 5.13 as `deficit`"):
        assert told in METHOD


MARKET = """
    time  | event       | amount | side | quantity | price | account
    09:00 | transfer    | 10     |      |          |       | A
    09:00 | transfer    | 10     |      |          |       | B
    09:01 | fill        |        | buy  | 1        | 100   | A
    09:01 | fill        |        | sell | 1        | 100   | B
    09:30 | tick        |        |      |          | 100
    10:00 | tick        |        |      |          | 88
    10:01 | liquidation |        | sell | 1        | 90    | A
    10:01 | adl         |        | buy  | 1        | 90    | B
    11:00 | tick        |        |      |          | 80
"""


def figures(result: Result) -> list[str]:
    """The column of the table in the page."""
    (losses,) = result.tables["session_losses"]
    units = {row["account_id"]: row for row in result.tables["account_daily"]}
    paid_in = total(result.tables["account_daily"], "negative_balance_reset")
    found = [
        losses["deficit"],
        losses["adl_loss"],
        units["A"]["equity"],
        units["B"]["equity"],
        total(result.tables["positions_daily"], "quantity"),
        total(result.tables["account_daily"], "equity") - paid_in,
    ]
    return [f"{Decimal(value):f}" for value in found]


def test_a_scenario_without_latency_removes_deleveraging_and_leaves_a_market_that_does_not_net() -> None:
    recorded, simulated = session(MARKET), session(MARKET, execution="simulated", latency_us=0)
    _, *rows = quoted_table("### What a scenario without latency changes")
    assert [row[1] for row in rows] == figures(recorded)
    assert [row[2] for row in rows] == figures(simulated)


def test_latency_changes_nothing_under_recorded_execution() -> None:
    slow = session(MARKET, latency_us=3_600_000_000, slippage_rate="0.1", liquidation_fee_rate="0.1")
    assert session(MARKET).tables == slow.tables
