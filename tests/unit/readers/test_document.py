"""One document, five formats: every kind of block and of value is in each of them."""

import io
import json
from datetime import date

import altair
import openpyxl
import pytest
from pypdf import PdfReader

from lossledger.engine.numbers import E18
from lossledger.readers.document.as_html import to_html
from lossledger.readers.document.as_json import to_json
from lossledger.readers.document.as_pdf import to_pdf
from lossledger.readers.document.as_text import text_lines
from lossledger.readers.document.as_xlsx import to_xlsx
from lossledger.readers.document.model import (
    Block,
    Citation,
    CitedRow,
    Document,
    Drawing,
    Figure,
    FigureComparison,
    Figures,
    Formula,
    Paragraph,
    RowComparison,
    Section,
    TableBlock,
    TableColumn,
    cited_table,
)
from lossledger.readers.document.values import (
    Amount,
    Cell,
    Hidden,
    Missing,
    Share,
    Time,
    cell_text,
    cell_unit,
)

FILL = Citation("ledger.fills", 3, "fill_id f1", "fills.csv", "ab12", 7)
HELD = Amount(1234 * E18 + E18 // 2, 2, "USDT")


@pytest.mark.parametrize(
    ("cell", "text", "unit"),
    [
        (HELD, "1,234.50", "USDT"),
        (Amount(None), "n/a", ""),
        (Share(1, 3), "33.3%", ""),
        (Time(1_760_054_400_000_000), "2025-10-10 00:00:00", ""),
        (Missing("not delivered"), "not available", ""),
        (Hidden(5), "< 5 accounts", ""),
        (Hidden(), "held back", ""),
        (date(2025, 10, 10), "2025-10-10", ""),
        (1234, "1,234", ""),
        ("a b", "a b", ""),
    ],
)
def test_a_value_has_a_type_and_a_text(cell: Cell, text: str, unit: str) -> None:
    assert (cell_text(cell), cell_unit(cell)) == (text, unit)


def blocks() -> list[Block]:
    columns = (TableColumn("account", "account"), TableColumn("held", "held", "At the end.", True))
    return [
        Paragraph("A sentence.", strong=True),
        Figures((Figure("held", "What is held", HELD, "The sum.", ("t",)),)),
        TableBlock("accounts", "Who holds it", columns, (("anna", HELD),), ("t",), note="A note."),
        Drawing("chart", "A chart", "A bar of 1.", lambda _: altair.Chart(altair.Data(values=[{"x": 1}])).mark_bar()),
    ]  # fmt: skip


def cited() -> list[Block]:
    return [
        Paragraph("A cited sentence.", citations=(FILL,), read=True),
        Formula("a + b", "1 + 2", Amount(3 * E18), (FILL,)),
        cited_table("Fills", ("fill", "price"), [CitedRow(("f1", Amount(9 * E18)), (FILL,))]),
        RowComparison(FILL, (FigureComparison("price", Amount(E18), Amount(2 * E18)),)),
    ]


def test_every_format_has_every_block() -> None:
    document = Document("A document", (Section("First", blocks(), "first", "A"), Section("Second", cited())))
    texts = {
        "text": "\n".join(text_lines(document)),
        "html": to_html(document),
        "json": to_json(document),
        "pdf": "".join(page.extract_text() for page in PdfReader(io.BytesIO(to_pdf(document))).pages),
    }
    words = (
        "A sentence.",
        "What is held",
        "Who holds it",
        "A bar of 1.",
        "A cited sentence.",
        "a + b",
        "Fills",
        "ledger.fills",
    )
    assert [(form, word) for form, text in texts.items() for word in words if word not in text] == []
    assert json.loads(texts["json"])["sections"][1]["blocks"][3]["equal"] is False
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(document)))
    assert book.sheetnames == ["Contents", "accounts", "Fills"]
    assert [cell.value for cell in book["accounts"][4]] == ["anna", 1234.5]


def test_tables_of_one_title_have_sheets_of_their_own() -> None:
    section = Section("Three", [cited_table("Fills of: x", ("a",), [])] * 3)
    book = openpyxl.load_workbook(io.BytesIO(to_xlsx(Document("d", (section,)))))
    assert len(set(book.sheetnames)) == 4
