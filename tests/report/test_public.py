"""What the public edition holds back: totals of few accounts, and others that would give them away."""

import re
import zipfile
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from lossledger.readers.document.model import TableBlock
from lossledger.readers.document.values import Hidden
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import PublishedRows
from lossledger.readers.report.manifest import NAME, read_manifest, read_previous
from lossledger.readers.report.public_edition import public_sections
from lossledger.readers.report.public_totals import totals
from lossledger.readers.report.report_builder import gather
from lossledger.readers.report.report_folder import report_lines
from lossledger.readers.report.report_verification import verify
from lossledger.readers.report.suppression import Count, find_suppressed, is_dominated
from lossledger.schemas import attribution
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
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
    assert find_suppressed(cells, [], 5) == {"four"}
    assert find_suppressed(cells, [], 1) == set()


def test_a_total_does_not_give_it_away() -> None:
    """Of three classes and their total, the smaller one of the others is held back with it."""
    cells = {
        "retail": MANY,
        "professional": Count(9, False),
        "institutional": Count(2, False),
        "all": Count(61, False),
    }
    total = {"all": 1, "retail": -1, "professional": -1, "institutional": -1}
    assert find_suppressed(cells, [total], 5) == {"institutional", "professional"}


def test_an_empty_cell_hides_nothing() -> None:
    cells = {"a": Count(2, False), "b": Count(0, True), "c": MANY, "all": Count(52, False)}
    assert find_suppressed(cells, [{"all": 1, "a": -1, "b": -1, "c": -1}], 5) == {"a", "c"}


def test_two_totals_taken_together_do_not_give_it_away() -> None:
    """a + b and b + c and c are known: a is, through b."""
    cells = dict.fromkeys(("ab", "bc", "b", "c"), MANY) | {"a": Count(1, False)}
    equations = [{"ab": 1, "a": -1, "b": -1}, {"bc": 1, "b": -1, "c": -1}]
    hidden = find_suppressed(cells, equations, 5)
    assert "a" in hidden
    for unknown in ({"a"}, {"a", "b"}):
        assert hidden != unknown  # b alone would not do: it follows from bc and c
    assert len(hidden) >= 2


def test_a_fund_s_balance_does_not_tell_a_draw_for_one_account() -> None:
    """opening + fees − draw = closing, and the next opening is this closing."""
    cells = {"opening": Count(None, False), "fees": Count(30, False), "draw": Count(1, False)}
    cells |= {"closing": Count(None, False), "next": Count(None, False)}
    bridge = {"opening": 1, "fees": 1, "draw": -1, "closing": -1}
    hidden = find_suppressed(cells, [bridge, {"closing": 1, "next": -1}], 5)
    assert hidden == {"draw", "fees"}


def test_two_largest_parts_that_are_nearly_all_of_a_cell_hold_it_back() -> None:
    """The second largest knows the largest to within what the others have: 3 of 20 is just enough."""
    share = 15 * 10**16
    assert not is_dominated([20, 9, 2, 1], share)
    assert is_dominated([21, 9, 2, 1], share)
    assert is_dominated([-21, 9, -2, 1], share)  # a gain of 21 is as large as a loss
    assert is_dominated([5, 5], share)
    assert is_dominated([5], share)
    assert not is_dominated([], share)
    assert not is_dominated([10**9, 1], 0)  # heads alone count


def shared(**parts: int) -> Count:
    return Count(len(parts), False, {"losers": parts})


def test_a_dominated_cell_is_not_told_by_its_total_either() -> None:
    cells = {
        "retail": shared(a=90, b=80, c=70, d=60, e=50, f=40),
        "institutional": shared(g=900, h=60, i=5, j=5, k=5, l=5),
    }
    cells["all"] = shared(**cells["retail"].ways["losers"], **cells["institutional"].ways["losers"])
    total = {"all": 1, "retail": -1, "institutional": -1}
    assert find_suppressed(cells, [total], 5, 0) == set()
    assert find_suppressed(cells, [total], 5, 15 * 10**16) == {"institutional", "retail"}


def test_a_crumb_does_not_hide_a_dominated_cell() -> None:
    """Held back with the professionals alone, the institutional part would be known to within 10 of 985."""
    cells = {
        "professional": shared(m=3, n=2, o=2, p=2, q=1),
        "institutional": shared(g=900, h=60, i=5, j=5, k=5, l=10),
        "retail": shared(**{f"r{n}": 100 for n in range(40)}),
    }
    everybody = {account: part for cell in cells.values() for account, part in cell.ways["losers"].items()}
    cells["all"] = shared(**everybody)
    total = {"all": 1, "professional": -1, "institutional": -1, "retail": -1}
    hidden = find_suppressed(cells, [total], 5, 15 * 10**16)
    assert "institutional" in hidden
    assert {"retail", "all"} & hidden


def test_what_is_known_of_several_together_is_of_enough_accounts() -> None:
    """Of one and of three: their sum is of four, so it is not told by the total of all either."""
    cells = {"x": shared(a=1), "y": shared(b=1, c=1, d=1), "z": MANY, "all": MANY}
    assert find_suppressed(cells, [{"all": 1, "x": -1, "y": -1, "z": -1}], 5) >= {"x", "y"}
    assert {"z", "all"} & find_suppressed(cells, [{"all": 1, "x": -1, "y": -1, "z": -1}], 5)


def test_what_a_later_one_makes_needless_is_told() -> None:
    """Once a class is held back the total need not be, as it is the sum of the sessions."""
    cells = {"all": Count(8, False), "first": Count(8, False), "second": Count(0, True), "x": Count(3, False)}
    cells |= {"y": Count(9, False)}
    equations = [{"all": 1, "first": -1, "second": -1}, {"all": 1, "x": -1, "y": -1}]
    assert find_suppressed(cells, equations, 5) == {"x", "y"}


def test_the_public_edition_names_no_account_event_or_fill(made: Made) -> None:
    """In none of its files, the manifest among them."""
    told = {table: made.table(table) for table in ("events", "charges", "adl")}
    secrets = {row[name] for rows in told.values() for row in rows for name in row if name.endswith("_id")}
    secrets -= {row["instrument_id"] for row in told["adl"]}
    rows = PublishedRows(PublishedTables.open(made.root), DAYS)
    secrets |= {row["account_id"] for row in rows.rows(attribution.ACCOUNT_DAILY)}
    assert len(secrets) >= 100
    assert secrets & set(re.findall(r"[\w-]+", " ".join(texts(made.public).values()))) == set()


@pytest.mark.parametrize(
    ("below", "share"),
    [(2, "0"), (5, "0"), (12, "0"), (25, "0"), (2, "0.15"), (5, "0.15"), (5, "0.5"), (12, "1")],
)
def test_nothing_held_back_is_found_out_from_sums(made: Made, below: int, share: str) -> None:
    tables, hidden = edition(made, below, share)
    assert below == 2 or hidden
    assert found_out(hidden, known_sums(tables)) == set()


@pytest.mark.parametrize("share", ["0.15", "0.5", "1"])
def test_no_cell_that_is_told_is_nearly_all_of_two_accounts(made: Made, share: str) -> None:
    """By the parts of each account, added up here anew; and heads alone would have told some of them."""
    rows = PublishedRows(PublishedTables.open(made.root), DAYS)
    told = {name: told_cells(*edition(made, 2, name)) for name in ("0", share)}
    found = {
        name: {
            key for key, parts in parts_of_cells(rows).items() if key in cells and nearly_two(parts, share)
        }
        for name, cells in told.items()
    }
    assert found[share] == set()
    assert found["0"]


def edition(made: Made, below: int, share: str) -> tuple[dict[str, list[dict[str, Any]]], set[Any]]:
    """The tables of a public edition under a policy, and which of their cells are held back."""
    facts = gather(ask(made.root))
    facts.policies = {day: {"small_cell": str(below), "dominance_share": share} for day in facts.days}
    tables: dict[str, list[dict[str, Any]]] = {}
    hidden: set[Any] = set()
    for section in public_sections(facts):
        for table in section.blocks:
            if isinstance(table, TableBlock):
                names = [column.name for column in table.columns]
                tables[table.id] = [dict(zip(names, row, strict=True)) for row in table.rows]
                hidden |= {
                    (
                        table.id,
                        *(str(cell) for cell in key_of(table.id, row)),
                        *([] if name == "amount" else [name]),
                    )
                    for row in tables[table.id]
                    for name, cell in row.items()
                    if isinstance(cell, Hidden)
                }
    return tables, hidden


def told_cells(tables: dict[str, list[dict[str, Any]]], hidden: set[Any]) -> set[Any]:
    named = {
        (table, *map(str, key_of(table, row)), name)
        for table in ("waterfall", "classes")
        for row in tables[table]
        for name in row
    }
    return named - hidden


def parts_of_cells(rows: PublishedRows) -> dict[Any, dict[str, int]]:
    """Cell of the waterfall or of the classes to what each account has in it."""
    found: dict[Any, dict[str, int]] = {}

    def add(row: Any, column: str, amount: int) -> None:
        day, currency, account = str(row["business_date"]), row["currency"], row["account_id"]
        cells = [("waterfall", day, currency, column), ("waterfall", "all", currency, column)]
        cells += [("classes", currency, row["client_class"], column)] if "client_class" in row else []
        for cell in cells:
            parts = found.setdefault(cell, {})
            parts[account] = parts.get(account, 0) + amount

    for row in rows.rows(attribution.NEGATIVE_BALANCES):
        add(row, "deficit" if row["protected"] else "unprotected_deficit", row["deficit"])
        if row["protected"]:
            add({**row, "client_class": ""}, "fund_draw", row["fund_draw"])
    for row in rows.rows(attribution.SOCIALISED_LOSSES):
        add(row, "socialised", row["charge"])
    for row in rows.rows(attribution.ADL_LOSSES):
        add(row, "adl_loss", row["amount"])
    return found


def nearly_two(parts: dict[str, int], share: str) -> bool:
    ordered = sorted(map(abs, parts.values()))
    return bool(ordered) and Fraction(sum(ordered[:-2]), 1) < Fraction(share) * ordered[-1]


def texts(folder: Path) -> dict[str, str]:
    """Everything that can be read in the files of a report, charts and properties among it."""
    found = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("report.json", "report.html", NAME)
    }
    pages = PdfReader(folder / "report.pdf")
    found["report.pdf"] = " ".join([page.extract_text() for page in pages.pages] + [str(pages.metadata)])
    with zipfile.ZipFile(folder / "report.xlsx") as book:
        found["report.xlsx"] = " ".join(book.read(name).decode() for name in book.namelist())
    return {name: text.replace("\u200b", "") for name, text in found.items()}


def test_no_hash_in_it_could_give_a_held_back_cell_away(made: Made) -> None:
    """Hashes of its own files, and no other: with one of rows a missing cell is guessed until the hash comes out."""
    manifest = read_manifest(made.public)
    allowed = {*manifest["files"].values(), manifest["content_sha256"]}
    allowed |= {day["policy_sha256"] for day in manifest["dates"]}
    days = published_days(Warehouse(made.root)).values()
    secret = {
        digest for day in days for digest in (*day.table_sha256.values(), day.output_sha256, day.input_sha256)
    }
    assert len(secret) > 20
    for name, text in texts(made.public).items():
        joined = re.sub(r"\s", "", text)
        assert not [digest for digest in secret if digest[:16] in joined], name
        assert {*re.findall(r"\b[0-9a-f]{64}\b", text)} <= allowed, name


def test_no_held_back_value_is_in_any_file(made: Made) -> None:
    """Neither as it is shown, nor as a chart or a spreadsheet has it."""
    found = totals(gather(ask(made.root)))
    told = {abs(amount) for name, amount in found.amounts.items() if name not in found.hidden}
    secret = {abs(found.amounts[name]) for name in found.hidden} - told
    digits = {f"{Decimal(amount).scaleb(-18).normalize():f}" for amount in secret if amount > 10**6}
    digits = {text for text in digits if len(text.replace("0", "")) > 5}
    assert len(digits) > 5
    for name, text in texts(made.public).items():
        numbers = {number.strip("0") for number in re.findall(r"[\d.]+", text.replace(",", ""))}
        assert {secret.strip("0") for secret in digits} & numbers == set(), name


def test_the_report_before_it_is_told_without_its_hashes(made: Made, tmp_path: Path) -> None:
    """Though it is the venue's own edition, which has them."""
    list(report_lines(ask(made.root, previous=read_previous(made.regulator)), tmp_path / "public"))
    own = read_manifest(made.regulator)
    secret = {own["content_sha256"], *(day["output_sha256"] for day in own["dates"])}
    secret |= {table["rows_sha256"] for day in own["dates"] for table in day["tables"].values()}
    for name, text in texts(tmp_path / "public").items():
        assert not [digest for digest in secret if digest in re.sub(r"\s", "", text)], name
    assert verify(tmp_path / "public", made.root).findings == ()


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
    assert {cell["suppressed"].split(":")[0] for cell in held} <= {"fewer than 5 accounts", "held back"}


def test_no_small_number_of_accounts_is_told(made: Made) -> None:
    for row in made.table("classes", "public"):
        for name, cell in row.items():
            if name.endswith("_accounts"):
                assert isinstance(cell, dict) or cell == 0 or cell >= 5


def test_a_session_row_is_told_where_the_regulator_s_counts_allow_it(made: Made) -> None:
    told = {(row["business_date"], row["currency"]): row for row in made.table("waterfall", "public")}
    full = made.table("waterfall")
    assert any(told[row["business_date"], row["currency"]]["deficit"] == row["deficit"] for row in full)
