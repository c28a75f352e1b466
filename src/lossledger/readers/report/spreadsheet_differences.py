"""The cells in which two spreadsheets differ, by sheet and address; how they are styled is not compared."""

import io
import zipfile
from collections.abc import Iterator
from xml.etree import ElementTree

from lossledger.readers.report.figure_differences import show_difference

_LARGEST = 1 << 28  # bytes of an unpacked part: more is none of ours
_SHOWN = 20  # lines of differing cells
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DAMAGE = (zipfile.BadZipFile, ElementTree.ParseError, LookupError, ValueError, OSError, NotImplementedError)
Value = float | str
Sheets = dict[str, dict[str, Value]]


def differing_cells(name: str, one: bytes, other: bytes) -> Iterator[str]:
    """A line for each sheet or cell of `one` that is not as in `other`, the first 20 of them."""
    try:
        reported = _sheets(one)
    except _DAMAGE as error:
        yield f"{name}: cannot be read as a spreadsheet: {' '.join(str(error).split())[:200]}"
        return
    lines = [f"{name}, {line}" for line in _lines(reported, _sheets(other))]
    yield from lines[:_SHOWN]
    if len(lines) > _SHOWN:
        yield f"{name}: and {len(lines) - _SHOWN:,} more cells"


def _lines(reported: Sheets, now: Sheets) -> Iterator[str]:
    for sheet in [*reported, *(sheet for sheet in now if sheet not in reported)]:
        if sheet not in reported or sheet not in now:
            yield f"sheet {sheet}: {'is missing' if sheet in now else 'does not belong to it'}"
            continue
        mine, again = reported[sheet], now[sheet]
        for cell in [*again, *(cell for cell in mine if cell not in again)]:
            if mine.get(cell) != again.get(cell):
                a, b = show_difference(*(_number(side.get(cell)) for side in (mine, again)))
                yield f"sheet {sheet}, cell {cell}: the report says {a}, computed again it is {b}"


def _number(value: Value | None) -> str | None:
    return f"{value:.15g}" if isinstance(value, float) else value


def _sheets(data: bytes) -> Sheets:
    """Sheet to address to value; a formula is its text after an equals sign."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        links = {link.get("Id"): link.get("Target", "") for link in _part(book, "xl/_rels/workbook.xml.rels")}
        texts: list[str] = []
        if "xl/sharedStrings.xml" in book.namelist():
            texts = [_text(item) for item in _part(book, "xl/sharedStrings.xml")]
        found: Sheets = {}
        for sheet in _part(book, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
            target = links[sheet.attrib[_LINK]].removeprefix("/xl/")
            cells = _part(book, f"xl/{target}").iter(f"{_MAIN}c")
            values = {cell.attrib["r"]: _value(cell, texts) for cell in cells}
            found[sheet.attrib["name"]] = {at: value for at, value in values.items() if value != ""}
        return found


def _part(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > _LARGEST:
        raise ValueError(f"{name} is larger than {_LARGEST:,} bytes")
    return ElementTree.fromstring(book.read(name))


def _value(cell: ElementTree.Element, texts: list[str]) -> Value:
    formula, kind = cell.find(f"{_MAIN}f"), cell.get("t", "n")
    if formula is not None:
        return f"={formula.text or ''}"
    if kind == "inlineStr":
        return _text(cell)
    text = cell.findtext(f"{_MAIN}v") or ""
    if kind == "s":
        return texts[int(text)]
    return float(text) if kind == "n" and text else text


def _text(item: ElementTree.Element) -> str:
    return "".join(part.text or "" for part in item.iter(f"{_MAIN}t"))
