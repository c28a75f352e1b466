"""Every figure of the report is that of the tables, to the last unit; SQL stands beside it."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from lossledger.readers.document.as_json import typed_value
from lossledger.readers.document.model import TableBlock
from lossledger.readers.document.values import Missing
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import ReportRequest
from tests.cases import DATA, case_days
from tests.docs.pages import ROOT
from tests.report.conftest import Made
from tests.scenarios import run_range


def sql(root: Path, query: str) -> list[Any]:
    with PublishedTables.open(root).connect() as database:
        return database.sql(query).fetchall()


def amount(cell: dict[str, str]) -> Decimal:
    return Decimal(cell["amount"])


def test_totals_are_those_of_session_losses(made: Made) -> None:
    figures = {
        figure["id"]: figure["value"]
        for block in made.tree()["sections"][0]["blocks"]
        if block["kind"] == "figures"
        for figure in block["figures"]
    }
    for column in ("deficit", "fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss"):
        for currency, whole in sql(
            made.root, f"select currency, sum({column}) from session_losses group by 1"
        ):
            assert amount(figures[f"total.{column}.{currency}"]) == whole
    costs = "sum(fund_draw + socialised + uncovered + unprotected_deficit + adl_loss)"
    for currency, whole in sql(made.root, f"select currency, {costs} from session_losses group by 1"):
        assert amount(figures[f"total.cost.{currency}"]) == whole


@pytest.mark.parametrize(
    ("table", "query"),
    [
        (
            "waterfall",
            "select business_date, currency, deficit, fund_draw, socialised, uncovered from session_losses",
        ),
        ("fund_daily", "select business_date, currency, opening, external, liquidation_fees, surplus, draws, closing "
                       "from insurance_fund_daily"),
        ("charges", "select business_date, account_id, currency, basis, charge from socialised_losses"),
        ("protection_accounts", "select business_date, account_id, currency, deficit, fund_draw, account_equity "
                                "from protection_daily"),
        ("receivables", "select business_date, currency, sum(opening_debt) opening_debt, sum(new_debt) new_debt, "
                        "sum(recovered) recovered, sum(closing_debt) closing_debt "
                        "from receivables_daily group by 1, 2"),
        ("contracts", "select currency, kind, instrument_id, count(distinct episode_id) episodes, "
                      "cast(sum(liquidation_fills) as bigint) fills, sum(p.maintenance_margin) margin, "
                      "sum(filled_value) liquidated from liquidation_positions p join liquidations using (episode_id) "
                      "join (select distinct instrument_id, kind from ledger.instruments) using (instrument_id) "
                      "group by all"),
        ("adl_daily", "select business_date, currency, count(*) fills, count(distinct account_id) accounts, "
                      "sum(amount) amount from adl_losses group by 1, 2"),
        ("stress_peaks", "select currency, max(whole) peak from (select currency, sum(deficit) whole "
                         "from negative_balances where protected group by currency, account_id, business_date) "
                         "group by 1"),
        ("rules", "select business_date, currency, rule, charged, to_fund, beyond_chargeable as beyond, payers "
                  "from rule_totals"),
        ("liquidations", "select business_date, currency, count(*) liquidations, count(distinct account_id) accounts, "
                         "sum(deficit) deficit from liquidations group by 1, 2"),
        ("principal", "select business_date, currency, count(*) charges from socialised_losses group by 1, 2"),
    ],
)  # fmt: skip
def test_tables_are_those_of_sql(made: Made, table: str, query: str) -> None:
    with PublishedTables.open(made.root).connect() as database:
        found = database.sql(query)
        names, rows = found.columns, found.fetchall()
    assert rows
    keys = [
        name
        for name in names
        if name in ("business_date", "currency", "account_id", "rule", "instrument_id", "kind")
    ]
    told = {tuple(str(row[key]) for key in keys): row for row in made.table(table)}
    for row in rows:
        expected = dict(zip(names, row, strict=True))
        mine = told[tuple(str(expected[key]) for key in keys)]
        for name in names[len(keys) :]:
            cell = mine[name]
            assert (amount(cell) if isinstance(cell, dict) else cell) == expected[name], (name, expected)


@pytest.mark.parametrize("table", ["fund_daily", "waterfall", "causes_bridge"])
def test_every_check_is_zero(made: Made, table: str) -> None:
    rows = made.table(table)
    assert rows
    assert {amount(row["check"]) for row in rows} == {0}


def test_causes_add_up_to_the_deficits_covered_and_uncovered_apart(made: Made) -> None:
    for row in made.table("causes_bridge"):
        same = [
            c for c in made.table("causes") if (c["currency"], c["kind"]) == (row["currency"], row["kind"])
        ]
        assert sum(amount(cause["amount"]) for cause in same) == amount(row["causes"])


def test_cuts_of_the_causes_each_add_up_to_all_of_them(made: Made) -> None:
    wholes: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in made.table("causes"):
        wholes[row["currency"], row["component"]] += amount(row["amount"])
    for by in ("session", "contract", "client class"):
        sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for row in made.table("causes_by"):
            if row["by"] == by:
                sums[row["currency"], row["component"]] += amount(row["amount"])
        assert {key: whole for key, whole in sums.items() if whole} == {k: w for k, w in wholes.items() if w}


def test_debt_from_before_and_losses_of_trading_stand_between_causes_and_losses(tmp_path: Path) -> None:
    """The case `edges`: protected after a debt, below zero by the own trades, by a withdrawal, by a fee."""
    days = case_days("edges")
    run_range(DATA / "edges" / "landing", tmp_path, days[0], days[-1])
    report = build(gather(ReportRequest(tmp_path, days[0], days[-1])))
    (bridge,) = [table for table in report.tables() if table.id == "causes_bridge"]
    found = [
        dict(zip((c.name for c in bridge.columns), map(typed_value, row), strict=True)) for row in bridge.rows
    ]
    assert {amount(row["check"]) for row in found} == {0}
    assert Decimal("-5.03") in {amount(row["before"]) for row in found}
    assert any(amount(row["others"]) for row in found)


def test_every_delivered_row_is_counted(made: Made) -> None:
    rows = made.table("deliveries")
    whole = sql(
        made.root,
        "select sum(rows), sum(accepted), sum(duplicates), sum(superseded), sum(quarantined) "
        "from ledger.deliveries",
    )
    names = ("rows", "used", "duplicates", "superseded", "quarantined")
    assert tuple(sum(row[name] for row in rows) for name in names) == whole[0]
    assert {row["check"] for row in rows} == {0}
    assert {row["delivery"] for row in rows} == {"2025-10-10", "2025-10-11", "reference data"}
    (ticks,) = [row for row in rows if (row["delivery"], row["dataset"]) == ("2025-10-10", "ticks")]
    assert (ticks["duplicates"], ticks["superseded"], ticks["quarantined"]) == (0, 1, 1)
    told = [tuple(row.values()) for row in made.table("quarantine")]
    assert told == [("2025-10-10", "ticks", reason, 1) for reason in ("unknown instrument", "unparsable ask")]


def test_nobody_protected_is_below_zero_after_processing(made: Made) -> None:
    assert {row["breaches"] for row in made.table("protection")} == {0}
    assert any(row["protected"] for row in made.table("protection"))


def test_what_the_data_cannot_tell_is_not_available(made: Made) -> None:
    told = {row["what"]: row["value"] for row in made.table("protection_unknown")}
    for what in (
        "Close-out at 50 % of initial margin",
        "Equity across currencies",
        "Several accounts of one client",
    ):
        assert set(told[what]) == {"not_available"}
    assert typed_value(Missing("why")) == {"not_available": "why"}


def test_the_policy_is_told_from_the_first_session_on(made: Made) -> None:
    """Of the time before it only what was different then: the tables have a row of every key, from 1970 on."""
    told = {(row["since"], row["key"]): row["value"] for row in made.table("policy")}
    assert told["from the first session on", "sharing"] == "session_profit_prorata"
    assert {since for since, _ in told} <= {"from the first session on", "before the first session"}
    assert ("before the first session", "sharing") not in told


@pytest.mark.parametrize("audience", ["regulator", "public"])
def test_json_follows_the_published_schema(made: Made, audience: str) -> None:
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(made.tree(audience))


def test_keys_of_tables_tell_their_rows_apart(made: Made) -> None:
    report = build(gather(ReportRequest(made.root, *_days(made))))
    for table in report.tables():
        assert isinstance(table, TableBlock)
        keys = [str([typed_value(cell) for cell in row[: table.key]]) for row in table.rows]
        assert len(set(keys)) == len(keys), table.id


def _days(made: Made) -> tuple[Any, Any]:
    days = PublishedTables.open(made.root).days
    return days[0], days[-1]
