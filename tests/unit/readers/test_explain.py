"""explain: every section, its golden text, its sources down to delivered rows, and a published figure that is wrong."""

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError
from lossledger.engine.numbers import E18
from lossledger.readers.document.as_html import to_html
from lossledger.readers.document.as_json import to_json
from lossledger.readers.document.as_text import WIDTH, text_lines
from lossledger.readers.document.model import (
    Citation,
    CitedRow,
    Document,
    FigureComparison,
    Paragraph,
    RowComparison,
    Section,
    cited_table,
)
from lossledger.readers.document.values import Amount
from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explain.explanation import explain_account, explain_event
from lossledger.readers.explain.published_comparison import TABLES
from lossledger.schemas import attribution
from lossledger.schemas.core import Table, Type
from lossledger.schemas.ledger import UNIT_CHARGES
from lossledger.store.data_files import files_of
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10
from tests.cases import DATA
from tests.lived import case_warehouse

GOLDEN = Path(__file__).parents[2] / "data" / "explain" / "account_a.txt"
CASE = "recorded_equity_8h"  # two currencies, isolated units, ADL, a fund that pays at the session's end
LOSER, PAYER, HOUSE = "a0005", "a0001", "house-mm"


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return case_warehouse(CASE, D10, tmp_path_factory.mktemp("explain") / "warehouse")


def told(warehouse: Path, account_id: str, day: date) -> str:
    return "\n".join(text_lines(explain_account(PublishedDates.open(warehouse), account_id, day)))


def titles(explanation: Document) -> list[str]:
    """Of the sections, without ids and units."""
    return [
        re.sub(r"(: )?\b(ep|nb)-\w+|\(.*\)", "", section.title).strip() for section in explanation.sections
    ]


# what is told -------------------------------------------------------------------------------------


def test_golden_text(small: Path) -> None:
    """When and by which run it was published are the only things that are not the same every time."""
    text = told(small, "a", D10) + "\n"
    text = re.sub(r"by run \S+ at \S+", "by run RUN at TIME", text)
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_every_section_is_there(case: Path) -> None:
    """Of an account that was liquidated twice, fell below zero, was deleveraged, and has units in two currencies."""
    assert titles(explain_account(PublishedDates.open(case), LOSER, D10)) == [
        "How the session began",
        "What happened",
        "Liquidation",
        "Liquidation",
        "Below zero",
        "What the insurance fund paid of",
        "Sharing the session's shortfall in BTC",
        "Sharing the session's shortfall in USDT",
        "Auto-deleveraging",
        "How the session closed",
    ]


def test_an_account_that_was_only_charged(case: Path) -> None:
    """Its charge is worked out anew here, from all the bases of the session."""
    tables = PublishedDates.open(case).tables
    of_currency = pc.field("currency") == "USDT"
    (losses,) = tables.rows("attribution.session_losses", [D10], where=of_currency).to_pylist()
    payers = tables.rows("attribution.socialised_losses", [D10], where=of_currency).to_pylist()
    (mine,) = [row for row in payers if row["account_id"] == PAYER]
    quota = Fraction(losses["shortfall"]) * Fraction(mine["basis"]) / Fraction(losses["basis_total"])
    whole = int(quota * 10**6)
    text = told(case, PAYER, D10)
    assert f"    = {Amount(whole * 10**12, 6)}\n" in text
    assert int(Fraction(mine["charge"]) * 10**6) - whole == 1
    assert "it gets one unit (0.000001) more" in text
    assert f"= {Amount(whole * 10**12, 6)} + 0.000001\n    = {Amount(int(mine['charge'] * E18), 6)}" in text
    assert "Liquidation" not in text
    assert "Auto-deleveraging" not in text


def test_an_account_to_which_nothing_happened(small: Path) -> None:
    """It has no units at all."""
    explanation = explain_account(PublishedDates.open(small), "new", D10)
    assert titles(explanation) == ["How the session began", "What happened", "How the session closed"]
    assert list(explanation.comparisons()) == []
    assert "no activity, no position, no debt and an empty wallet" in told(small, "new", D10)


def test_a_house_account_never_pays(case: Path) -> None:
    assert "This is a house account: it never pays a charge." in told(case, HOUSE, D10)


def test_the_first_date_starts_from_nothing(small: Path) -> None:
    assert "This is the warehouse's first date: every wallet starts at 0" in told(small, "b", D9)


def test_text_fits_the_terminal(case: Path) -> None:
    assert max(map(len, told(case, LOSER, D10).splitlines())) <= WIDTH


def test_an_event_is_told_with_what_belongs_to_it(case: Path) -> None:
    """A negative balance and the liquidation that ended in it are the same story, of one unit."""
    dates = PublishedDates.open(case)
    mine = pc.field("account_id") == LOSER
    (loss,) = dates.tables.rows("attribution.negative_balances", [D10], where=mine).to_pylist()
    of_loss = explain_event(dates, loss["event_id"])
    assert titles(of_loss) == [
        "How the session began",
        "What happened",
        "Liquidation",
        "Below zero",
        "What the insurance fund paid of",
        "Sharing the session's shortfall in USDT",
    ]
    of_episode = explain_event(dates, loss["episode_id"])
    assert of_episode.sections == of_loss.sections
    assert "isolated" not in "\n".join(text_lines(of_loss))


def test_a_scenario_starts_from_the_published_state(small: Path) -> None:
    """It is told by its own policy, from the close of the date before, which it does not have itself."""
    dates = PublishedDates.open(small, scenario="nobody")
    assert dates.tables.days == [D10]
    explanation = explain_account(dates, "b", D10)
    assert explanation.differing == []
    text = "\n".join(text_lines(explanation))
    assert "By policy sharing: none nobody is charged" in text
    assert "starts from the close of 2025-10-09" in text


def test_as_of_a_run(small: Path) -> None:
    """Nothing has been restated: it is the same as now."""
    run_id = PublishedDates.open(small).tables.published(D10).run_id
    explanation = explain_account(PublishedDates.open(small, as_of=run_id), "a", D10)
    assert "\n".join(text_lines(explanation)) == told(small, "a", D10)


# where it comes from ------------------------------------------------------------------------------


def test_sources_are_rows_of_the_delivered_files(case: Path) -> None:
    """The row that is named has the id or the instrument that it is named for, in a file with that hash."""
    explanation = explain_account(PublishedDates.open(case), LOSER, D10)
    found = [source for source in explanation.citations() if source.row_number is not None]
    assert {source.table for source in found} == {
        f"ledger.{n}" for n in ("fills", "transfers", "ticks", "funding")
    }
    for source in found:
        path = DATA / CASE / "landing" / source.file
        assert hashlib.sha256(path.read_bytes()).hexdigest() == source.file_sha256
        with path.open(newline="") as file:
            row = list(csv.DictReader(file))[(source.row_number or 0) - 1]
        named = re.fullmatch(r"(?:fill_id |transfer_id )?(\S+)(?: at \S+)?", source.key)
        assert named
        assert named[1] in (row.get("fill_id"), row.get("transfer_id"), row.get("instrument_id"))


def test_reference_data_is_named_by_its_file(small: Path) -> None:
    sources = explain_account(PublishedDates.open(small), "a", D10).citations()
    tiers = next(source for source in sources if source.table == "ledger.margin_tiers")
    assert (tiers.key, tiers.file, tiers.row_number) == ("instrument_id P", "margin_tiers/data.csv", None)


# what does not agree ------------------------------------------------------------------------------


def edited(warehouse: Path, target: Path, table: Table, change: Callable[[pa.Table], pa.Table]) -> Path:
    """A copy of a warehouse in which the bytes of a published table of D10 were changed behind its back."""
    shutil.copytree(warehouse, target)
    for path in files_of(Warehouse(target), table, D10):
        data = pq.ParquetFile(path).read()
        pq.write_table(change(data), path)
    return target


def one_unit_more(table: Table, account_id: str) -> Callable[[pa.Table], pa.Table]:
    """The last amount of the first row of an account, one ledger unit of a millionth higher."""
    (*_, column) = [c for c in table.columns if c.type in (Type.DECIMAL, Type.UNITS)]
    unit = Decimal(1 if column.type is Type.UNITS else "0.000001")

    def change(data: pa.Table) -> pa.Table:
        rows = data.to_pylist()
        row = next((row for row in rows if row["account_id"] == account_id), None)
        if row is None:  # it is in another file
            return data
        row[column.name] += unit
        return pa.Table.from_pylist(rows, data.schema)

    return change


@pytest.mark.parametrize(
    ("table", "account_id"),
    [
        (attribution.SOCIALISED_LOSSES, PAYER),
        (attribution.NEGATIVE_BALANCES, LOSER),
        (attribution.ACCOUNT_DAILY, LOSER),
        (attribution.ADL_LOSSES, LOSER),
        (UNIT_CHARGES, PAYER),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_a_changed_figure_is_found(table: Table, account_id: str, case: Path, tmp_path: Path) -> None:
    """By its table, its column, and both values."""
    root = edited(case, tmp_path / "warehouse", table, one_unit_more(table, account_id))
    explanation = explain_account(PublishedDates.open(root), account_id, D10)
    assert table.full_name in {row.citation.table for row in explanation.differing}
    text = "\n".join(text_lines(explanation))
    assert f"DIFFERS  {table.full_name}" in text
    assert "recomputed" in text


def test_a_changed_balance_of_the_fund_is_found(case: Path, tmp_path: Path) -> None:
    """The balance before a draw is the sum of what came before, and that after it what the draw leaves."""

    def change(data: pa.Table) -> pa.Table:
        rows = [row | {"balance": row["balance"] + Decimal("0.000001")} for row in data.to_pylist()]
        return pa.Table.from_pylist(rows, data.schema)

    root = edited(case, tmp_path / "warehouse", attribution.INSURANCE_FUND_LEDGER, change)
    differing = explain_account(PublishedDates.open(root), LOSER, D10).differing
    assert {c.citation.table for c in differing} == {"attribution.insurance_fund_ledger"}
    assert [check.column for c in differing for check in c.differing] == ["balance", "balance"]


def test_a_row_too_few_and_a_row_too_many(case: Path, tmp_path: Path) -> None:
    root = edited(case, tmp_path / "one", attribution.ADL_LOSSES, lambda data: data.slice(0, 0))
    text = told(root, LOSER, D10)
    assert "DIFFERS  attribution.adl_losses: not published" in text

    def not_mine(data: pa.Table) -> pa.Table:
        rows = [row | {"account_id": PAYER} for row in data.to_pylist()]
        return pa.Table.from_pylist(rows, data.schema)

    root = edited(case, tmp_path / "other", attribution.LIQUIDATIONS, not_mine)
    explanation = explain_account(PublishedDates.open(root), PAYER, D10)
    assert {c.problem for c in explanation.differing} == {"published, but not found by the reference"}


def test_command_ends_with_3_when_something_differs(
    case: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = attribution.SOCIALISED_LOSSES
    root = edited(case, tmp_path / "warehouse", table, one_unit_more(table, PAYER))
    assert main(["explain", "--warehouse", str(root), "--account", PAYER, "--date", "2025-10-10"]) == 3
    printed = capsys.readouterr()
    assert "Sources" in printed.out
    assert re.fullmatch(r"lossledger: error: \d published rows? differs? from .*\n", printed.err)


def test_tables_that_are_compared_are_all_of_an_account() -> None:
    """Every published table with account_id, but the comparison of rules, which nothing is booked by."""
    of_account = {t for t in attribution.TABLES if any(c.name == "account_id" for c in t.columns)}
    assert of_account - set(TABLES) == {attribution.RULE_COMPARISON}


# forms --------------------------------------------------------------------------------------------


def test_json_is_exact_and_its_sources_resolve(case: Path) -> None:
    explanation = explain_account(PublishedDates.open(case), LOSER, D10)
    whole = json.loads(to_json(explanation), parse_float=pytest.fail)
    numbers = {source["number"] for source in whole["sources"]}
    used = {
        n for section in whole["sections"] for block in section["blocks"] for n in block.get("sources", ())
    }
    assert used <= numbers
    figures = [
        figure
        for section in whole["sections"]
        for block in section["blocks"]
        if block["kind"] == "comparison"
        for figure in block["figures"]
    ]
    assert all(figure["equal"] for figure in figures)
    assert {
        "column": "deficit",
        "recomputed": "1201.352626",
        "published": "1201.352626",
        "equal": True,
    } in figures
    assert whole["equal"] is True


def test_html_needs_nothing_else_and_trusts_nobody() -> None:
    """What is delivered stands in it as text."""
    bad = "<script>alert(1)</script>"
    source = Citation(bad, 1, bad, bad, bad, 1)
    section = Section(bad, rule=bad)
    section.write(bad, source)
    section.add(cited_table(bad, (bad,), [CitedRow((bad,), (source,))]))
    section.add(
        RowComparison(source, (FigureComparison(bad, bad, Amount(E18)),)), RowComparison(source, (), bad)
    )
    text = to_html(Document(bad, (section,), facts=((bad, bad),)))
    assert "<script" not in text
    assert text.count("&lt;script&gt;") > 10
    assert not re.search(r"(src|href)=\"(?!#)|@import|url\(", text)


def test_html_tells_what_text_tells(small: Path) -> None:
    page = to_html(explain_account(PublishedDates.open(small), "a", D10))
    for text in (
        "deficit = max(0, −wallet) − debt",
        "1,000.00",
        "fills/date=2025-10-10/data.csv, row 1",
        "Equal",
    ):
        assert text in page


def test_a_difference_is_told_in_every_form() -> None:
    section = Section("s", rule="11")
    section.add(
        RowComparison(Citation("t", 1), (FigureComparison("charge", Amount(E18, 2), Amount(2 * E18, 2)),))
    )
    explanation = Document("e", (section, Section("empty", [Paragraph("x", read=True)])))
    assert "  DIFFERS  t [1]" in list(text_lines(explanation))
    assert "           charge: published 2.00, recomputed 1.00" in list(text_lines(explanation))
    assert "<strong>Differs</strong> t" in to_html(explanation)
    assert json.loads(to_json(explanation))["sections"][0]["blocks"][0]["equal"] is False


def test_forms_are_printed(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for form, begin in (("json", "{\n"), ("html", "<!doctype html>\n"), ("text", "Account b")):
        arguments = ["--account", "b", "--date", "2025-10-10", "--format", form]
        assert main(["explain", "--warehouse", str(small), *arguments]) == 0
        assert capsys.readouterr().out.startswith(begin)


# what cannot be told ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("--account nobody --date 2025-10-10", r"no account 'nobody' in ledger.accounts; .* a, b, new"),
        ("--account a --date 2025-10-12", r"2025-10-12 is not published .* 2025-10-09 to 2025-10-10"),
        ("--event nb-0", r"no published event 'nb-0': .*"),
        ("--account a", r"explain: give either --account and --date, or --event"),
        ("--account a --event nb-0", r"explain: give either --account and --date, or --event"),
        ("--account a --date 2025-10-10 --scenario x", r"no scenario 'x' in .*"),
    ],
)
def test_wrong_arguments_are_one_line(
    arguments: str, line: str, small: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "--warehouse", str(small), *arguments.split()]) == 2
    assert re.fullmatch(f"lossledger: error: {line}\n", capsys.readouterr().err)


def test_an_account_without_a_warehouse(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no Lossledger warehouse"):
        PublishedDates.open(tmp_path)
