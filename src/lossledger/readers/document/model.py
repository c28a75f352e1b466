"""A document before it is rendered: sections of blocks, every value typed, every figure with where it comes from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lossledger.readers.document.values import Cell


class Citation(NamedTuple):
    """Where a figure comes from: a row of a table at a version; for input also the delivered file and row."""

    table: str
    version: int
    key: str = ""
    file: str = ""
    file_sha256: str = ""
    row_number: int | None = None

    def __str__(self) -> str:
        text = f"{self.table} version {self.version}"
        text += f", {self.key}" if self.key else ""
        text += f"; delivered in {self.file}" if self.file else ""
        text += f", row {self.row_number}" if self.row_number is not None else ""
        return text + (f", sha256 {self.file_sha256}" if self.file_sha256 else "")


Citations = tuple[Citation, ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences. `strong`: to be read before any number. `read`: its figures are cited, not recomputed."""

    text: str
    strong: bool = False
    citations: Citations = ()
    read: bool = False


@dataclass(frozen=True)
class Formula:
    """A formula, the same formula with numbers, and its recomputed result."""

    formula: str
    numbers: str
    result: Cell
    citations: Citations = ()


@dataclass(frozen=True)
class TableColumn:
    """`doc`: what the column means; `number`: aligned to the right."""

    name: str
    title: str
    doc: str = ""
    number: bool = False


@dataclass(frozen=True)
class TableBlock:
    """`key`: number of leading columns that identify a row. `shown`: rows on paper and screen; None: all of them.

    `source`: names of the tables it was computed from; `citations`: those of each row, or none. `read`: as for a
    paragraph. Spreadsheet and JSON contain all rows.
    """

    id: str
    title: str
    columns: tuple[TableColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: tuple[str, ...] = ()
    key: int = 1
    note: str = ""
    shown: int | None = None
    citations: tuple[Citations, ...] = ()
    read: bool = False


class CitedRow(NamedTuple):
    """A table's row with its citations."""

    cells: tuple[Cell, ...]
    citations: Citations = ()


def cited_table(
    title: str, head: Sequence[str], rows: Sequence[CitedRow], left: int = 1, read: bool = False
) -> TableBlock:
    """A table whose rows are cited one by one; its first `left` columns are text, the others numbers."""
    columns = tuple(TableColumn(name, name, number=at >= left) for at, name in enumerate(head))
    cells, citations = tuple(row.cells for row in rows), tuple(row.citations for row in rows)
    return TableBlock("", title, columns, cells, key=left, citations=citations, read=read)


@dataclass(frozen=True)
class Figure:
    """One number with its definition and the tables it comes from."""

    id: str
    title: str
    value: Cell
    definition: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """The main figures of a section, shown side by side."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Drawing:
    """A chart, drawn for a width in pixels; `words`: its content for a reader who cannot see it."""

    id: str
    title: str
    words: str
    draw: Callable[[int], Any]


class FigureComparison(NamedTuple):
    """A published figure and the recomputed one."""

    column: str
    recomputed: Cell
    published: Cell

    @property
    def equal(self) -> bool:
        return self.recomputed == self.published


@dataclass(frozen=True)
class RowComparison:
    """A published row and the recomputed one, column by column; `problem`: one of the two does not exist."""

    citation: Citation
    figures: tuple[FigureComparison, ...]
    problem: str = ""

    @property
    def differing(self) -> list[FigureComparison]:
        return [figure for figure in self.figures if not figure.equal]

    @property
    def equal(self) -> bool:
        return not (self.problem or self.differing)


Block = Paragraph | Formula | Figures | TableBlock | Drawing | RowComparison


@dataclass
class Section:
    """`id`, `letter`: of a report's section, the letter being the supervisors' field (A to M) that it answers.

    `rule`: of an explanation's section, the sections of rules.md that it follows.
    """

    title: str
    blocks: list[Block] = field(default_factory=list)
    id: str = ""
    letter: str = ""
    rule: str = ""

    def write(self, text: str, *citations: Citation, read: bool = False) -> None:
        """Add a paragraph."""
        self.blocks.append(Paragraph(text, False, citations, read))

    def add(self, *blocks: Block) -> None:
        self.blocks.extend(blocks)


@dataclass(frozen=True)
class Document:
    """`about`: a line below the title; `facts`: name and value, line by line; `subject`: repeated on each printed page.

    `head`: the first entries of the JSON form. `made_at`: its only time, in microseconds.
    """

    title: str
    sections: tuple[Section, ...]
    about: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    head: Mapping[str, Any] = field(default_factory=dict)
    made_at: int = 0

    def blocks(self) -> Iterator[Block]:
        for section in self.sections:
            yield from section.blocks

    def tables(self) -> Iterator[TableBlock]:
        return (block for block in self.blocks() if isinstance(block, TableBlock))

    def comparisons(self) -> Iterator[RowComparison]:
        return (block for block in self.blocks() if isinstance(block, RowComparison))

    @property
    def differing(self) -> list[RowComparison]:
        return [comparison for comparison in self.comparisons() if not comparison.equal]

    def citations(self) -> dict[Citation, int]:
        """Every citation once, numbered from 1 in order of appearance."""
        found: dict[Citation, int] = {}
        for block in self.blocks():
            for citation in citations_of(block):
                found.setdefault(citation, len(found) + 1)
        return found


def citations_of(block: Block) -> Iterator[Citation]:
    if isinstance(block, TableBlock):
        for citations in block.citations:
            yield from citations
    elif isinstance(block, RowComparison):
        yield block.citation
    elif isinstance(block, Paragraph | Formula):
        yield from block.citations
