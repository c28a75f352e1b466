"""What the public edition holds back: totals of few accounts, and others that would give them away."""

import re
import zipfile
from typing import Any

import pytest
from pypdf import PdfReader

from readers.published.tables import PublishedTables
from readers.report.build import gather
from readers.report.manifest import NAME
from readers.report.model import Hidden, Table
from readers.report.public import public_sections
from readers.report.suppress import Count, suppressed
from readers.rows import PublishedRows
from schemas import attribution
from tests.report.attack import found_out, known_sums
from tests.report.conftest import DAYS, Made, ask

MANY = Count(50, False)


def test_a_cell_of_few_accounts_is_held_back_and_one_of_none_is_told() -> None:
    cells = {
        "four": Count(4, False),
        "five": Count(5, False),
        "none": Count(0, True),
        "venue": Count(None, False),
    }
    assert suppressed(cells, [], 5) == {"four"}
    assert suppressed(cells, [], 1) == set()


def test_a_total_does_not_give_it_away() -> None:
    """Of three classes and their total, the smaller one of the others is held back with it."""
    cells = {
        "retail": MANY,
        "professional": Count(9, False),
        "institutional": Count(2, False),
        "all": Count(61, False),
    }
    total = {"all": 1, "retail": -1, "professional": -1, "institutional": -1}
    assert suppressed(cells, [total], 5) == {"institutional", "professional"}


def test_an_empty_cell_hides_nothing() -> None:
    cells = {"a": Count(2, False), "b": Count(0, True), "c": MANY, "all": Count(52, False)}
    assert suppressed(cells, [{"all": 1, "a": -1, "b": -1, "c": -1}], 5) == {"a", "c"}


def test_two_totals_taken_together_do_not_give_it_away() -> None:
    """a + b and b + c and c are known: a is, through b."""
    cells = dict.fromkeys(("ab", "bc", "b", "c"), MANY) | {"a": Count(1, False)}
    equations = [{"ab": 1, "a": -1, "b": -1}, {"bc": 1, "b": -1, "c": -1}]
    hidden = suppressed(cells, equations, 5)
    assert "a" in hidden
    for unknown in ({"a"}, {"a", "b"}):
        assert hidden != unknown  # b alone would not do: it follows from bc and c
    assert len(hidden) >= 2


def test_a_fund_s_balance_does_not_tell_a_draw_for_one_account() -> None:
    """opening + fees − draw = closing, and the next opening is this closing."""
    cells = {"opening": Count(None, False), "fees": Count(30, False), "draw": Count(1, False)}
    cells |= {"closing": Count(None, False), "next": Count(None, False)}
    bridge = {"opening": 1, "fees": 1, "draw": -1, "closing": -1}
    hidden = suppressed(cells, [bridge, {"closing": 1, "next": -1}], 5)
    assert hidden == {"draw", "fees"}


def test_what_a_later_one_makes_needless_is_told() -> None:
    """Once a class is held back the total need not be, as it is the sum of the sessions."""
    cells = {"all": Count(8, False), "first": Count(8, False), "second": Count(0, True), "x": Count(3, False)}
    cells |= {"y": Count(9, False)}
    equations = [{"all": 1, "first": -1, "second": -1}, {"all": 1, "x": -1, "y": -1}]
    assert suppressed(cells, equations, 5) == {"x", "y"}


def test_the_public_edition_names_no_account_event_or_fill(made: Made) -> None:
    """In none of its files, the manifest among them."""
    told = {table: made.table(table) for table in ("events", "charges", "adl")}
    secrets = {row[name] for rows in told.values() for row in rows for name in row if name.endswith("_id")}
    secrets -= {row["instrument_id"] for row in told["adl"]}
    rows = PublishedRows(PublishedTables.open(made.root), DAYS)
    secrets |= {row["account_id"] for row in rows.rows(attribution.ACCOUNT_DAILY)}
    assert len(secrets) >= 100
    texts = [
        (made.public / name).read_text(encoding="utf-8") for name in ("report.json", "report.html", NAME)
    ]
    texts += [page.extract_text() for page in PdfReader(made.public / "report.pdf").pages]
    with zipfile.ZipFile(made.public / "report.xlsx") as book:
        texts += [book.read(name).decode() for name in book.namelist()]
    assert secrets & set(re.findall(r"[\w-]+", " ".join(texts))) == set()


@pytest.mark.parametrize("below", [2, 5, 12, 25])
def test_nothing_held_back_is_found_out_from_sums(made: Made, below: int) -> None:
    facts = gather(ask(made.root))
    facts.policies = {day: {"small_cell": str(below)} for day in facts.days}
    tables: dict[str, list[dict[str, Any]]] = {}
    hidden: set[Any] = set()
    for section in public_sections(facts):
        for table in section.blocks:
            if isinstance(table, Table):
                names = [column.name for column in table.columns]
                tables[table.id] = [dict(zip(names, row, strict=True)) for row in table.rows]
                hidden |= {
                    (table.id, *(str(cell) for cell in key_of(table.id, row)), name)
                    for row in tables[table.id]
                    for name, cell in row.items()
                    if isinstance(cell, Hidden)
                }
    small = {key for key in hidden if key[-1] != "amount"} | {
        key[:-1] for key in hidden if key[-1] == "amount"
    }
    assert below == 2 or small
    assert found_out(small, known_sums(tables)) == set()


def key_of(table: str, row: dict[str, Any]) -> list[Any]:
    keys = {"waterfall": ("business_date", "currency"), "fund_daily": ("business_date", "currency"),
            "classes": ("currency", "client_class"), "causes": ("currency", "kind", "component"),
            "rules": ("business_date", "currency", "rule")}  # fmt: skip
    return [row[name] for name in keys[table]]


@pytest.mark.parametrize("table", ["waterfall", "classes", "fund_daily", "rules", "causes"])
def test_what_is_told_is_what_the_regulator_is_told_or_held_back(made: Made, table: str) -> None:
    rows = made.table(table, "public")
    assert rows
    held = [cell for row in rows for cell in row.values() if isinstance(cell, dict) and "suppressed" in cell]
    assert all(cell["suppressed"].startswith("fewer than 5 accounts") for cell in held)


def test_no_small_number_of_accounts_is_told(made: Made) -> None:
    for row in made.table("classes", "public"):
        for name, cell in row.items():
            if name.endswith("_accounts"):
                assert isinstance(cell, dict) or cell == 0 or cell >= 5


def test_a_session_row_is_told_where_the_regulator_s_counts_allow_it(made: Made) -> None:
    told = {(row["business_date"], row["currency"]): row for row in made.table("waterfall", "public")}
    full = made.table("waterfall")
    assert any(told[row["business_date"], row["currency"]]["deficit"] == row["deficit"] for row in full)
