"""A document as text for a terminal of 100 columns."""

import textwrap
from collections.abc import Iterator

from lossledger.engine.figures import text_table
from lossledger.readers.document import model
from lossledger.readers.document.values import cell_text, cell_unit

WIDTH = 100
_HANGING = " " * 11  # below "DIFFERS  "
Numbers = dict[model.Citation, int]


def text_lines(document: model.Document) -> Iterator[str]:
    """Line by line; numbers in brackets are those of the sources at the end."""
    numbers = document.citations()
    yield document.title
    yield "=" * len(document.title)
    width = max((len(name) for name, _ in document.facts), default=0)
    for name, value in document.facts:
        yield from _wrap(value, first=f"{name.ljust(width)}  ")
    for number, section in enumerate(document.sections, 1):
        yield ""
        rule = f"(rules.md, section {section.rule})" if section.rule else ""
        yield f"{section.letter or number}. {section.title}  {rule}".rstrip()
        yield from _section(section, numbers)
    if numbers:
        yield ""
        yield "Sources"
    for citation, number in numbers.items():
        yield from _wrap(str(citation), first=f"[{number}] ".rjust(6))


def _section(section: model.Section, numbers: Numbers) -> Iterator[str]:
    comparisons: list[model.RowComparison] = []
    for block in section.blocks:
        if isinstance(block, model.RowComparison):
            comparisons.append(block)
            continue
        yield from _comparisons(comparisons, numbers)
        comparisons = []
        yield ""
        yield from _block(block, numbers)
    yield from _comparisons(comparisons, numbers)


def _block(block: model.Block, numbers: Numbers) -> Iterator[str]:
    if isinstance(block, model.Paragraph):
        read = " (read)" if block.read else ""
        yield from _wrap(block.text + read + _marks(block.citations, numbers), "  ")
    elif isinstance(block, model.Formula):
        yield from _wrap(block.formula, "    ", hanging="      ")
        yield from _wrap(f"= {block.numbers}", "    ", hanging="      ")
        yield from _wrap(f"= {cell_text(block.result)}{_marks(block.citations, numbers)}", "    ")
    elif isinstance(block, model.TableBlock):
        yield from _table(block, numbers)
    elif isinstance(block, model.Figures):
        rows = [(f.title, cell_text(f.value), cell_unit(f.value)) for f in block.figures]
        yield from (f"    {line}" for line in text_table(rows))
    elif isinstance(block, model.Drawing):
        yield from _wrap(f"{block.title}: {block.words}", "  ")


def _table(table: model.TableBlock, numbers: Numbers) -> Iterator[str]:
    yield from _wrap(table.title + (" (read)" if table.read else ""), "  ")
    head = [column.title for column in table.columns]
    rows = [[cell_text(cell) for cell in row] for row in table.rows]
    marks = [_marks(citations, numbers).strip() for citations in table.citations or [()] * len(rows)]
    lines = text_table([head, *rows], table.key)
    width = sum(max(len(row[at]) for row in [head, *rows]) + 2 for at in range(len(head))) - 2
    if 6 + width + max(map(len, marks), default=0) > WIDTH:
        yield from _listed_rows(head, rows, table.key, marks)
        return
    for line, mark in zip(lines, ["", *marks], strict=True):
        yield f"    {line.ljust(width)}  {mark}".rstrip()


def _listed_rows(head: list[str], rows: list[list[str]], left: int, marks: list[str]) -> Iterator[str]:
    """A table too wide for the page: a row's text on one line, its figures, each with its name, below."""
    for row, mark in zip(rows, marks, strict=True):
        title = "  ".join(cell for cell in row[:left] if cell)
        yield from _wrap(f"{title}  {mark}".rstrip(), "    ", hanging="      ")
        figures = [f"{name} {cell}" for name, cell in zip(head[left:], row[left:], strict=True) if cell]
        yield from _wrap(", ".join(f.replace(" ", "\N{NO-BREAK SPACE}") for f in figures), "      ")


def _comparisons(comparisons: list[model.RowComparison], numbers: Numbers) -> Iterator[str]:
    """A line for each differing row and each of its figures, then a line for each table whose rows are equal."""
    if comparisons:
        yield ""
    equal: dict[str, list[model.RowComparison]] = {}
    for row in comparisons:
        if row.equal:
            equal.setdefault(row.citation.table, []).append(row)
            continue
        problem = f": {row.problem}" if row.problem else ""
        mark = _marks((row.citation,), numbers)
        yield from _wrap(f"DIFFERS  {row.citation.table}{problem}{mark}", "  ", hanging=_HANGING)
        for figure in row.differing:
            values = f"published {cell_text(figure.published)}, recomputed {cell_text(figure.recomputed)}"
            yield from _wrap(f"{figure.column}: {values}", _HANGING)
    for table, rows in equal.items():
        count = f"{len(rows)} published row{'s' if len(rows) > 1 else ''}"
        figures = sum(len(row.figures) for row in rows)
        mark = _marks(tuple(row.citation for row in rows), numbers)
        yield from _wrap(f"equal    {table}: {count}, all {figures} figures{mark}", "  ", hanging=_HANGING)


def _marks(citations: model.Citations, numbers: Numbers) -> str:
    """` [1] [2]`."""
    return "".join(f" [{number}]" for number in dict.fromkeys(numbers[c] for c in citations))


def _wrap(text: str, indent: str = "", hanging: str = "", first: str = "") -> Iterator[str]:
    begin = first or indent
    rest = " " * len(first) if first else hanging or indent
    for line in textwrap.wrap(
        text,
        WIDTH,
        initial_indent=begin,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    ) or [begin.rstrip()]:
        yield line.replace("\N{NO-BREAK SPACE}", " ")
