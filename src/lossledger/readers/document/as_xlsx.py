"""A document as a spreadsheet: one sheet per table, no macros; a number only where a spreadsheet can hold it."""

import io
import re
from datetime import date
from fractions import Fraction
from typing import Any

import xlsxwriter

from lossledger.engine.clock import to_datetime
from lossledger.readers.document.model import Document, Figures, Paragraph, TableBlock
from lossledger.readers.document.values import Amount, Cell, Share, Time, cell_text, cell_unit

_DIGITS = 15  # a spreadsheet's numbers are binary doubles: the number of decimal digits that survive
_ABOUT = "Contents"
_EXACT = (
    "A spreadsheet's numbers have 15 digits. An amount that needs more stands as text, exact, and is set to the left; "
    "a sum over such cells leaves them out. report.json has every amount exact."
)


def to_xlsx(document: Document) -> bytes:
    """The same document gives the same bytes."""
    made = io.BytesIO()
    book = xlsxwriter.Workbook(
        made, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    stamp = to_datetime(document.made_at).replace(tzinfo=None, microsecond=0)
    book.set_properties({"title": document.title, "created": stamp})
    formats = _Formats(book)
    names = [_ABOUT]
    about = book.add_worksheet(_ABOUT)
    for table in document.tables():
        names.append(_sheet_name(table.id or table.title, names))
        _table(book.add_worksheet(names[-1]), table, formats)
    _about(about, document, names, formats)
    book.close()
    return made.getvalue()


class _Formats:
    def __init__(self, book: Any) -> None:
        self.head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self.bold = book.add_format({"bold": True})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})
        self.time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "align": "left"})
        self.count = book.add_format({"num_format": "#,##0"})
        self.soft = book.add_format({"font_color": "#666666", "align": "left"})
        self._book, self._places = book, dict[int, Any]()

    def amount(self, places: int) -> Any:
        if places not in self._places:
            self._places[places] = self._book.add_format(
                {"num_format": "#,##0" + ("." + "0" * places if places else "")}
            )
        return self._places[places]


def _about(sheet: Any, document: Document, names: list[str], formats: _Formats) -> None:
    sheet.set_column(0, 0, 44)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 3, 60)
    rows: list[tuple[Any, ...]] = [(document.title,), (_EXACT,), ()]
    rows += [
        (block.text,) for s in document.sections[:1] for block in s.blocks if isinstance(block, Paragraph)
    ]
    for number, row in enumerate(rows):
        if row:
            sheet.write_string(number, 0, row[0], formats.bold if number == 0 else None)
    line = len(rows) + 1
    for section in document.sections:
        for block in section.blocks:
            if isinstance(block, Figures):
                for figure in block.figures:
                    sheet.write_string(line, 0, figure.title)
                    _cell(sheet, line, 1, figure.value, formats)
                    sheet.write_string(line, 2, cell_unit(figure.value))
                    sheet.write_string(line, 3, figure.definition)
                    line += 1
    line += 1
    for name, table in zip(names[1:], document.tables(), strict=True):
        sheet.write_url(line, 0, f"internal:'{name}'!A1", string=name)
        sheet.write_string(line, 1, table.title)
        line += 1


def _table(sheet: Any, table: TableBlock, formats: _Formats) -> None:
    sheet.freeze_panes(3, table.key)
    source = f"From {', '.join(table.source)}. " if table.source else ""
    sheet.write_string(0, 0, table.title, formats.bold)
    sheet.write_string(1, 0, source + table.note, formats.soft)
    for at, column in enumerate(table.columns):
        sheet.write_string(2, at, column.title, formats.head)
        if column.doc:
            sheet.write_comment(2, at, column.doc, {"author": ""})
        widths = [len(column.title), *(len(cell_text(row[at])) for row in table.rows[:200])]
        sheet.set_column(at, at, min(60, max(8, *widths) + 2))
    for line, row in enumerate(table.rows, 3):
        for at, cell in enumerate(row):
            _cell(sheet, line, at, cell, formats)
    if table.rows:
        sheet.autofilter(2, 0, 2 + len(table.rows), len(table.columns) - 1)


def _cell(sheet: Any, line: int, at: int, cell: Cell, formats: _Formats) -> None:
    if isinstance(cell, Amount):
        value = to_number(cell)
        if value is None:
            sheet.write_string(line, at, cell_text(cell).replace(",", ""))
        else:
            sheet.write_number(line, at, value, formats.amount(min(cell.places, 18)))
    elif isinstance(cell, Share) or not isinstance(cell, (date, int, Time)):
        sheet.write_string(
            line, at, cell_text(cell), None if isinstance(cell, (str, Share)) else formats.soft
        )
    elif isinstance(cell, Time):
        sheet.write_datetime(line, at, to_datetime(cell.us).replace(tzinfo=None), formats.time)
    elif isinstance(cell, date):
        sheet.write_datetime(line, at, cell, formats.day)
    else:
        sheet.write_number(line, at, cell, formats.count)


def to_number(cell: Amount) -> float | None:
    """The double that reads back as just this amount in 15 digits; None where there is none."""
    text = cell_text(cell).replace(",", "")
    if cell.e18 is None:
        return None
    digits = text.replace("-", "").replace(".", "").strip("0")
    if len(digits) > _DIGITS:
        return None
    value = float(text)
    written = float(f"{value:.16G}")  # what the writer makes of it
    return value if Fraction(f"{written:.{_DIGITS}g}") == Fraction(text) else None


def _sheet_name(identity: str, taken: list[str]) -> str:
    """At most 31 characters, none of those that a sheet's name may not have, and not twice."""
    name = re.sub(r"[\[\]:*?/\\']", " ", identity)[:31]
    return name if name not in taken else f"{name[:27]}~{len(taken) - 1}"
