"""An explanation as text for a terminal of 100 columns."""

import textwrap
from collections.abc import Iterator

from lossledger.readers.explain.document import (
    Block,
    Compared,
    Explanation,
    Formula,
    Grid,
    Said,
    Section,
    Source,
    Sources,
)

WIDTH = 100


def text_lines(explanation: Explanation) -> Iterator[str]:
    """Line by line; numbers in brackets are those of the sources at the end."""
    numbers = explanation.sources()
    yield explanation.title
    yield "=" * len(explanation.title)
    width = max((len(name) for name, _ in explanation.facts), default=0)
    for name, value in explanation.facts:
        yield from _wrapped(value, first=f"{name.ljust(width)}  ")
    for number, section in enumerate(explanation.sections, 1):
        yield ""
        heading = f"{number}. {section.title}"
        rule = f"(rules.md, section {section.rule})" if section.rule else ""
        yield f"{heading}  {rule}".rstrip()
        yield from _section(section, numbers)
    yield ""
    yield "Sources"
    for source, number in numbers.items():
        yield from _wrapped(source_text(source), first=f"[{number}] ".rjust(6))


def _section(section: Section, numbers: dict[Source, int]) -> Iterator[str]:
    compared: list[Compared] = []
    for block in section.blocks:
        if isinstance(block, Compared):
            compared.append(block)
            continue
        yield from _comparisons(compared, numbers)
        compared = []
        yield ""
        yield from _block(block, numbers)
    yield from _comparisons(compared, numbers)


def _block(block: Block, numbers: dict[Source, int]) -> Iterator[str]:
    if isinstance(block, Said):
        read = " (read)" if block.read else ""
        yield from _wrapped(block.text + read + refs(block.sources, numbers), "  ")
    elif isinstance(block, Formula):
        yield from _wrapped(block.formula, "    ", hanging="      ")
        yield from _wrapped(f"= {block.numbers}", "    ", hanging="      ")
        yield from _wrapped(f"= {block.result}{refs(block.sources, numbers)}", "    ")
    elif isinstance(block, Grid):
        yield from _grid(block, numbers)


def _grid(grid: Grid, numbers: dict[Source, int]) -> Iterator[str]:
    yield from _wrapped(grid.title + (" (read)" if grid.read else ""), "  ")
    rows = [tuple(str(cell) for cell in row.cells) for row in grid.rows]
    marks = [refs(row.sources, numbers).strip() for row in grid.rows]
    widths = [max(len(row[n]) for row in [grid.head, *rows]) for n in range(len(grid.head))]
    whole = 4 + sum(widths) + 2 * len(widths) + max(map(len, marks), default=0)
    if whole > WIDTH:
        yield from _listed(grid, rows, marks)
        return
    for row, mark in zip([grid.head, *rows], ["", *marks], strict=True):
        cells = [
            cell.ljust(width) if n < grid.left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield f"    {'  '.join(cells)}  {mark}".rstrip()


def _listed(grid: Grid, rows: list[tuple[str, ...]], marks: list[str]) -> Iterator[str]:
    """A table too wide for the page: its text on one line, its figures, each with its name, below."""
    for row, mark in zip(rows, marks, strict=True):
        title = "  ".join(cell for cell in row[: grid.left] if cell)
        yield from _wrapped(f"{title}  {mark}".rstrip(), "    ", hanging="      ")
        figures = [f"{n} {c}" for n, c in zip(grid.head[grid.left :], row[grid.left :], strict=True) if c]
        yield from _wrapped(", ".join(f.replace(" ", "\N{NO-BREAK SPACE}") for f in figures), "      ")


def _comparisons(compared: list[Compared], numbers: dict[Source, int]) -> Iterator[str]:
    """A line for each table whose rows are equal; one for each row that is not, and for each of its figures."""
    if not compared:
        return
    yield ""
    for row in compared:
        if not row.equal:
            yield from _differing(row, refs((row.source,), numbers))
    tables: dict[str, list[Compared]] = {}
    for row in compared:
        if row.equal:
            tables.setdefault(row.source.table, []).append(row)
    for table, rows in tables.items():
        count, figures = len(rows), sum(len(row.checks) for row in rows)
        mark = refs(tuple(row.source for row in rows), numbers)
        told = (
            f"equal    {table}: {count} published row{'s' if count > 1 else ''}, all {figures} figures{mark}"
        )
        yield from _wrapped(told, "  ", hanging=" " * 11)


def _differing(row: Compared, mark: str) -> Iterator[str]:
    if row.problem:
        yield from _wrapped(f"DIFFERS  {row.source.table}: {row.problem}{mark}", "  ", hanging=" " * 11)
        return
    yield from _wrapped(f"DIFFERS  {row.source.table}{mark}", "  ", hanging=" " * 11)
    for check in row.differing:
        told = f"{check.column}: published {check.published}, recomputed {check.recomputed}"
        yield from _wrapped(told, " " * 11)


def refs(sources: Sources, numbers: dict[Source, int]) -> str:
    """` [1] [2]`; of many the first and the last."""
    found = list(dict.fromkeys(numbers[source] for source in sources))
    return "".join(f" [{number}]" for number in found)


def source_text(source: Source) -> str:
    """A source in one line."""
    told = f"{source.table} version {source.version}"
    if source.key:
        told += f", {source.key}"
    if source.file:
        told += f"; delivered in {source.file}"
    if source.row_number is not None:
        told += f", row {source.row_number}"
    if source.file_sha256:
        told += f", sha256 {source.file_sha256}"
    return told


def _wrapped(text: str, indent: str = "", hanging: str = "", first: str = "") -> Iterator[str]:
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
