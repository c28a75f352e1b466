"""The worked numbers of docs/method.md about who bears a loss: every table of the page is computed here."""

from collections.abc import Mapping
from decimal import Decimal

from tests.docs.test_method_examples import quoted_table
from tests.spec.tables import Cells, Result, session

CLOSED_AT_85 = """
    time  | event       | account | amount | side | quantity | price
    09:00 | transfer    |         | 10
    09:00 | fill        |         |        | buy  | 1        | 100
    10:00 | tick        |         |        |      |          | 85
    10:00 | liquidation |         |        | sell | 1        | 85
"""
UNPROTECTED = "account | protected\n a | false"


def one(result: Result, table: str, **where: str) -> Cells:
    (row,) = [r for r in result.tables[table] if all(r[name] == value for name, value in where.items())]
    return row


def expect_columns(heading: str, *columns: Mapping[str, str]) -> None:
    """The table below a heading has these columns, whose cells are found by the first one; empty is nothing."""
    _, *rows = quoted_table(heading)
    for number, column in enumerate(columns, 1):
        assert {row[0]: row[number] for row in rows} == dict(column)


def test_a_debt_is_settled_only_when_the_unit_is_flat() -> None:
    loss = CLOSED_AT_85
    later = loss + "\n 11:00 | fill | | | buy | 1 | 85\n 12:00 | transfer | | 20"
    flat = session(loss, accounts=UNPROTECTED)
    held = session(later, accounts=UNPROTECTED)
    next_day = session(
        "time | event | side | quantity | price\n 10:00 | fill | sell | 1 | 85",
        before=later,
        accounts=UNPROTECTED,
    )
    _, *rows = quoted_table("**A debt is settled only when the unit is flat.**")
    for (_, wallet, debt), result in zip(rows, (flat, held, next_day), strict=True):
        assert wallet == one(result, "account_daily")["closing_wallet"]
        assert debt == one(result, "receivables_daily")["closing_debt"]


def test_protection_per_risk_unit_is_not_protection_per_account() -> None:
    result = session("""
        time  | event       | isolation | amount | side | quantity | price
        09:00 | transfer    |           | 50
        09:00 | transfer    | P         | 10
        09:00 | fill        | P         |        | buy  | 1        | 100
        10:00 | tick        |           |        |      |          | 85
        10:00 | liquidation | P         |        | sell | 1        | 85
    """)
    _, *rows = quoted_table("**Protection per risk unit is not protection per account.**")
    shown = one(result, "protection_daily")
    assert {name: shown[name] for name, _ in rows} == dict(rows)


def test_a_withdrawal_before_a_loss_is_not_told_apart() -> None:
    deposit = """
        time  | event    | amount | side | quantity | price
        09:00 | transfer | 100
        09:00 | fill     |        | buy  | 1        | 100
    """
    falls = """
        time  | event       | amount | side | quantity | price
        10:00 | tick        |        |      |          | 85
    """
    withdrawn = (
        falls.replace("10:00", "09:00 | transfer | -90\n 10:00") + "\n 10:00 | liquidation | | sell | 1 | 85"
    )
    leaves, stays = session(withdrawn, before=deposit), session(falls, before=deposit)
    event = one(leaves, "negative_balances")
    names = ("cause", "protected", "session_transfers", "deficit")
    assert stays.tables["negative_balances"] == []
    expect_columns(
        "**A withdrawal before a loss is not told apart from the loss.**",
        {name: event[name] for name in names},
        dict.fromkeys(names, ""),
    )


def drawn(fund_draws: str, amount: int) -> Result:
    """30 are missing at 10:00, when the fund has 10; `amount` comes at noon. W has a profit."""
    return session(
        f"""
        time  | event       | account | amount | side | quantity | price
        08:00 | fund        |         | 10
        09:00 | transfer    | a       | 10
        09:00 | transfer    | w       | 10
        09:00 | fill        | a       |        | buy  | 1        | 100
        09:00 | fill        | w       |        | sell | 1        | 100
        10:00 | tick        |         |        |      |          | 60
        10:00 | liquidation | a       |        | sell | 1        | 60
        12:00 | fund        |         | {amount}
        """,
        fund_draws=fund_draws,
    )


def test_that_somebody_is_charged_does_not_mean_that_the_fund_ended_empty() -> None:
    results = [drawn(policy, amount) for amount in (15, -6) for policy in ("at_event", "at_session_end")]
    expect_columns(
        "**That somebody is charged does not mean that the fund ended empty.**",
        *(
            {
                "fund draw": one(result, "session_losses")["fund_draw"],
                "charged": one(result, "session_losses")["socialised"],
                "fund at the end": one(result, "insurance_fund_daily")["closing"],
            }
            for result in results
        ),
    )
    assert {one(result, "session_losses")["deficit"] for result in results} == {"30"}


def charged_a_fee(protected: str, fee: str) -> Result:
    return session(
        f"""
        time  | event       | amount | side | quantity | price | fee
        08:00 | fund        | 10
        09:00 | transfer    | 10
        09:00 | fill        |        | buy  | 1        | 100
        10:00 | tick        |        |      |          | 88
        10:00 | liquidation |        | sell | 1        | 88    | {fee}
        """,
        accounts=f"account | protected\n a | {protected}",
    )


def test_fees_of_an_account_that_has_nothing_left_come_back_as_income_of_the_fund() -> None:
    columns = []
    for protected in ("true", "false"):
        result, without = charged_a_fee(protected, "1"), charged_a_fee(protected, "0")
        fund, deficit = one(result, "insurance_fund_daily"), one(result, "negative_balances")["deficit"]
        debts = result.tables["receivables_daily"]
        saved = Decimal(deficit) - Decimal(one(without, "negative_balances")["deficit"])
        columns.append(
            {
                "deficit": deficit,
                "of it the fee": f"{saved:f}",
                "the fund's income from fees": fund["liquidation_fees"],
                "fund draw": one(result, "session_losses")["fund_draw"],
                "fund at the end": fund["closing"],
                "the client owes": debts[0]["closing_debt"] if debts else "0",
            }
        )
    expect_columns("**Fees of an account that has nothing left come back as income of the fund.**", *columns)


def test_a_deficit_may_follow_a_charge() -> None:
    """C falls 5 below zero and the fund is empty."""
    first = """
        time  | event       | account | amount | side | quantity | price
        09:00 | transfer    | a       | 10
        09:00 | transfer    | c       | 10
        09:00 | fill        | a       |        | buy  | 1        | 100
        09:00 | fill        | c       |        | sell | 1        | 91
        12:00 | tick        |         |        |      |          | 106
        12:00 | liquidation | c       |        | buy  | 1        | 106
    """
    second = """
        time  | event       | account | amount | side | quantity | price
        12:00 | tick        |         |        |      |          | 90
        12:00 | liquidation | a       |        | sell | 1        | 90
    """
    charging = session(first)
    after = session(second, before=first, charged=charging.charges)
    spared = session(second, before=first)
    assert charging.charges == {("a", ""): "5"}
    assert spared.tables["negative_balances"] == []
    columns = [
        {
            "her profit": profit(one(result, "account_daily", account_id="a")),
            "booked on her wallet": one(result, "account_daily", account_id="a")["socialised_charge"],
            "her deficit": "".join(
                row["deficit"] for row in result.tables["negative_balances"] if row["account_id"] == "a"
            )
            or "0",
        }
        for result in (charging, after)
    ]
    expect_columns("**A charge makes no deficit when it is booked, but one may follow.**", *columns)


def profit(unit: Cells) -> str:
    gained = {
        name: Decimal(value) for name, value in unit.items() if name.endswith(("pnl", "fees", "funding"))
    }
    held = gained["unrealised_pnl"] - gained["opening_unrealised_pnl"]
    return f"{gained['realised_pnl'] - gained['fees'] + gained['funding'] + held:f}"


def test_what_the_deleveraged_lose_others_are_spared_and_not_only_the_fund() -> None:
    result = session(
        """
        time  | event       | trade | account | amount | side | quantity | price
        09:00 | transfer    |       | A       | 10
        09:00 | transfer    |       | B       | 10
        09:00 | transfer    |       | W       | 100
        09:00 | fill        |       | A       |        | buy  | 1        | 100
        09:00 | fill        |       | B       |        | buy  | 1        | 100
        09:00 | fill        |       | W       |        | sell | 2        | 100
        10:00 | tick        |       |         |        |      |          | 85
        10:01 | liquidation | one   | A       |        | sell | 1        | 88
        10:01 | adl         | one   | W       |        | buy  | 1        | 88
        10:02 | liquidation | other | B       |        | sell | 1        | 88
        10:02 | adl         | other | W       |        | buy  | 1        | 88
        """,
        accounts="account | protected\n B | false",
    )
    lost = sum(Decimal(row["amount"]) for row in result.tables["adl_losses"])
    assert {row["account_id"] for row in result.tables["adl_losses"]} == {"W"}
    rows = [["W", f"{lost:f}", "", "", ""]]
    for account in ("A", "B"):
        episode = one(result, "liquidations", account_id=account)["episode_id"]
        cause = one(result, "loss_components", episode_id=episode, component="adl")["amount"]
        event = one(result, "negative_balances", account_id=account)
        others = Decimal(event["fund_draw"]) + Decimal(event["shortfall"])
        rows.append([account, "", cause, event["deficit"], f"{others:f}"])
    assert rows == quoted_table("**What the deleveraged lose at the mark, others are spared**")[1:]
