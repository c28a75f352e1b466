"""What a report is before it is drawn: sections of sentences, tables and charts, every value exact with its source."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from lossledger.engine.clock import to_datetime
from lossledger.engine.figures import exact, percent
from lossledger.readers.charts.style import svg

NOT_AVAILABLE = "not available"


@dataclass(frozen=True)
class Amount:
    """Exact, in 10^-18 of `unit`; `places`: decimals that are shown at least."""

    e18: int
    unit: str
    places: int = 0


@dataclass(frozen=True)
class Share:
    """part / whole, shown rounded to a tenth of a percent."""

    part: int
    whole: int


@dataclass(frozen=True)
class Time:
    """Microseconds since the epoch, UTC."""

    us: int


@dataclass(frozen=True)
class Missing:
    """What the data cannot tell: never a zero."""

    reason: str


@dataclass(frozen=True)
class Hidden:
    """Held back in the public edition. `below`: it is of fewer accounts than that; 0 where it is of more.

    Of more: two of them are nearly all of it, or it would give another cell away.
    """

    below: int = 0


Cell = Amount | Share | Time | Missing | Hidden | date | int | str


@dataclass(frozen=True)
class Column:
    """`doc`: what the column means; `number`: set to the right."""

    name: str
    title: str
    doc: str = ""
    number: bool = False


@dataclass(frozen=True)
class Table:
    """`key`: how many leading columns tell its rows apart. `shown`: rows on paper and screen; None for all.

    `source`: the tables that it was made from. The whole table is in the spreadsheet and in the JSON.
    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: tuple[str, ...]
    key: int = 1
    note: str = ""
    shown: int | None = None


@dataclass(frozen=True)
class Figure:
    """One number with what it means and where it comes from."""

    id: str
    title: str
    value: Cell
    definition: str
    source: tuple[str, ...]


@dataclass(frozen=True)
class Figures:
    """The figures that a section begins with."""

    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Paragraph:
    """Sentences. `strong`: what a reader must know before any number."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Drawing:
    """A chart, drawn for a width; `words`: what it shows, for those who cannot see it."""

    id: str
    title: str
    words: str
    draw: Callable[[int], Any]


Block = Paragraph | Figures | Table | Drawing


@dataclass(frozen=True)
class Section:
    """`letter`: the field of the supervisors' list that it answers, empty for what stands beside it."""

    id: str
    letter: str
    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """`made_at`: when the newest of its dates was published, in microseconds: the only time that a report has."""

    title: str
    audience: str
    first: date
    last: date
    venue: str
    data: str
    made_at: int
    sections: tuple[Section, ...]

    def tables(self) -> Iterator[Table]:
        for section in self.sections:
            for block in section.blocks:
                if isinstance(block, Table):
                    yield block


@lru_cache(256)
def drawn(drawing: Drawing, width: int) -> str:
    """The chart as SVG: page and print share it."""
    return svg(drawing.draw(width))


def shown(cell: Cell) -> str:
    """A cell as a person reads it."""
    if isinstance(cell, Amount):
        return exact(cell.e18, cell.places)
    if isinstance(cell, Share):
        return percent(cell.part, cell.whole)
    if isinstance(cell, Time):
        return f"{to_datetime(cell.us):%Y-%m-%d %H:%M:%S}"
    if isinstance(cell, Missing):
        return NOT_AVAILABLE
    if isinstance(cell, Hidden):
        return f"< {cell.below} accounts" if cell.below else "held back"
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    return str(cell)


def unit_of(cell: Cell) -> str:
    return cell.unit if isinstance(cell, Amount) else ""
