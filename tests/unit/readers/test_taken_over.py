"""Readers on positions that were taken over: explain, recipes, the explorer's page of the fund, the report."""

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from lossledger.readers.document.as_text import text_lines
from lossledger.readers.document.model import Document, TableBlock
from lossledger.readers.document.values import Amount, Hidden
from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explain.explanation import explain_account, explain_event
from lossledger.readers.query.sql_query import query_lines
from lossledger.readers.report.report_builder import build, gather
from lossledger.readers.report.report_request import PUBLIC, REGULATOR, ReportRequest
from scripts.recipes import queries
from tests.builders import D9, D10
from tests.cases import run_case
from tests.unit.readers.test_explore_page import look, texts

D11 = date(2025, 10, 11)
Open = Callable[[str], PublishedDates]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """A case's warehouse, run once."""
    found: dict[str, PublishedDates] = {}

    def of(name: str) -> PublishedDates:
        if name not in found:
            warehouse = tmp_path_factory.mktemp("taken") / name
            run_case(name, warehouse)
            found[name] = PublishedDates.open(warehouse)
        return found[name]

    return of


def titles(explanation: Document) -> list[str]:
    return [re.sub(r"(: )?\b(ep|nb|lot)-\w+|\(.*\)", "", s.title).strip() for s in explanation.sections]


def closings(dates: PublishedDates) -> pa.Table:
    return dates.tables.rows("attribution.takeovers", [D10])


CASES = pytest.mark.parametrize("case", ["takeover_recorded", "takeover_simulated", "backstop_steps"])


@CASES
def test_whoever_took_over_or_was_taken_over_is_recomputed_as_published(case: str, opened: Open) -> None:
    dates = opened(case)
    rows = closings(dates)
    names = {*rows.column("account_id").to_pylist(), *rows.column("from_account_id").drop_null().to_pylist()}
    assert len(names) > 2
    for account_id in sorted(names):
        explanation = explain_account(dates, account_id, D10)
        assert list(explanation.comparisons())
        assert explanation.differing == [], account_id


@CASES
def test_every_loss_of_a_lot_leads_to_the_liquidation_that_it_came_from(case: str, opened: Open) -> None:
    dates = opened(case)
    losses = closings(dates).filter(pc.is_valid(pc.field("event_id"))).to_pylist()
    assert losses
    for row in losses[::8]:
        explanation = explain_event(dates, row["event_id"])
        assert explanation.differing == []
        named = [section.title for section in explanation.sections]
        assert named[0] == f"The loss {row['event_id']}: lot {row['lot_id']} of {row['instrument_id']}"
        if row["episode_id"]:
            assert any(title.startswith(f"Liquidation {row['episode_id']}") for title in named)


def test_a_recorded_loss_from_the_fund_to_the_client(opened: Open) -> None:
    """Lot 206 of liq-2: a0009 was liquidated into it, it was closed by two fills, and both closings lost."""
    dates = opened("takeover_recorded")
    lot = closings(dates).filter((pc.field("lot_id") == "206") & (pc.field("close_fill_id") == "369"))
    explanation = explain_event(dates, lot.column("event_id").to_pylist()[0])
    assert titles(explanation) == [
        "The loss : lot 206 of XBTUSD",
        "Liquidation",
        "What became of lot 206",
        "What the insurance fund paid of",
        "Sharing the session's shortfall in BTC",
    ]
    text = " ".join(" ".join(text_lines(explanation)).split())
    for said in (
        "opened by fill 206 of liq-2 at 2025-10-10 10:00:06.000006 UTC, long. It was taken from a0009",
        "= -1 × (0.59779256 − 0.59547437) = -0.00231819",
        "= -1 × (0.74684691 − 0.59779256) = -0.14905435",
        "= -1 × (0.74777368 − 0.74684691) = -0.00092677",
        "= -1 × (0.74777368 − 0.59547437) − 0.00020910 = -0.15250841",
        "liquidation 207: sells XBTUSD",
        "= -0.15250841 − 0.04963313 = -0.20214154",
    ):
        assert said in text


def test_a_simulated_takeover_shows_the_value_of_each_position(opened: Open) -> None:
    """The account `liquidator` has no row in `accounts`."""
    dates = opened("takeover_simulated")
    assert "Positions taken over on the insurance fund's account" in titles(
        explain_account(dates, "liquidator", D10)
    )
    text = " ".join(" ".join(text_lines(explain_account(dates, "a0008", D10))).split())
    assert "V(|Q|, mark) 33,627.204000, part e -1,764.308383, value X = V − s·d·e 35,391.512383" in text
    assert "No fill was made on the unit while" not in text
    assert "What became of the positions that were taken over" in text


def test_the_recipes_find_what_was_taken_over(opened: Open) -> None:
    """The demonstration has nothing of it, so they are run here."""
    recipes = [query for query in queries() if "FROM takeover" in query]
    assert len(recipes) == 5
    for query in recipes:
        *rows, count = query_lines(opened("takeover_recorded").tables.warehouse.root, query)
        assert len(rows) > 2, query
        assert count != "(0 rows)"


def test_the_costs_of_liquidations_are_all_that_the_fund_made_of_lots(opened: Open) -> None:
    """Without its limit the recipe adds up to the gains and losses of the fund."""
    tables = opened("takeover_recorded").tables
    recipe = next(query for query in queries() if "sum(at_takeover)" in query).replace("LIMIT 8", "")
    with tables.connect() as database:
        made = database.sql(f"SELECT currency, sum(fund_made) FROM ({recipe}) GROUP BY ALL").fetchall()
        booked = database.sql(
            "SELECT currency, sum(takeover_gains) - sum(takeover_deficit)"
            " FROM insurance_fund_daily JOIN session_losses USING (business_date, currency) GROUP BY ALL"
        ).fetchall()
    assert sorted(made) == sorted(booked)


def test_the_explorer_shows_gains_losses_and_inventory(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(opened("takeover_recorded").tables.warehouse.root)
    page = look(root, monkeypatch, view="fund", currency="USDT")
    assert not page.exception and not page.error
    said = texts(page)
    assert "Positions taken over on the fund's account" in said
    shown = " ".join(table.value.to_csv() for table in page.table).replace("\\", "")
    for figure in ("169.829526", "-2.472500", "527.475792", "-1,328.149311"):
        assert figure in shown


_OF_TAKEOVER = {"fund_takeovers", "fund_inventory", "takeovers", "takeover_deficits"}


def report(dates: PublishedDates, audience: str, last: date = D11) -> dict[str, TableBlock]:
    document = build(gather(ReportRequest(dates.tables.warehouse.root, D9, last, audience)))
    return {table.id: table for table in document.tables()}


def test_the_report_tells_what_the_fund_made_of_lots_and_what_it_holds(opened: Open) -> None:
    found = report(opened("takeover_recorded"), REGULATOR)
    assert set(found) >= _OF_TAKEOVER
    usdt = [row for row in found["fund_takeovers"].rows if row[1] == "USDT"]
    assert [[str(cell) for cell in row[2:6]] for row in usdt[1:]] == [
        ["0.072820", "-2,372.750086", "5.042047", "-2,367.635219"],
        ["598.824632", "-124.437022", "-3.567285", "470.820325"],
    ]
    assert [str(row[9]) for row in usdt] == ["169.829526", "-2.472500", "527.475792"]
    for name in ("fund_daily", "causes_bridge"):  # the last column of the fund, and of the causes, is 0
        assert [str(row[-1]) for row in found[name].rows] == ["0"] * len(found[name].rows)
    for *_, at_takeover, moved, execution, fees, unmarked, gains, losses, result in found["takeovers"].rows:
        parts = [
            value.e18 for value in (at_takeover, moved, execution, unmarked) if isinstance(value, Amount)
        ]
        assert isinstance(fees, Amount) and isinstance(result, Amount)
        assert isinstance(gains, Amount) and isinstance(losses, Amount)
        assert sum(parts) - fees.e18 == result.e18 == gains.e18 + losses.e18


def test_a_report_without_takeover_has_nothing_of_it(small: Path) -> None:
    found = report(PublishedDates.open(small), REGULATOR, D10)
    assert not _OF_TAKEOVER & set(found)
    assert "takeover_gains" not in [column.name for column in found["fund_daily"].columns]


def test_the_public_edition_names_no_account_and_holds_small_cells_back(opened: Open) -> None:
    """A loss of a lot counts for the client it was taken from; funding of lots is nobody's to be told."""
    dates = opened("takeover_recorded")
    found = report(dates, PUBLIC)
    assert not _OF_TAKEOVER & set(found)
    names = set(closings(dates).column("account_id").to_pylist()) | {"a0005", "a0009"}
    assert not names & {str(cell) for table in found.values() for row in table.rows for cell in row}
    funding = [column.name for column in found["fund_daily"].columns].index("takeover_funding")
    assert all(isinstance(row[funding], Hidden) for row in found["fund_daily"].rows)
    waterfall = {row[:2]: row for row in found["waterfall"].rows}
    assert (
        str(waterfall["2025-10-10", "BTC"][2]) == "0.61979076"
    )  # of lots that came from more than 5 clients
