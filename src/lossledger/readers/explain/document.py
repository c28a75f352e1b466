"""What an explanation is made of, whatever it is shown as: sections of sentences, tables, formulas, comparisons."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lossledger.engine.figures import exact, plain


class Number(NamedTuple):
    """An exact decimal in 10^-18; shown with at least so many places."""

    e18: int | None
    places: int = 0

    def __str__(self) -> str:
        return exact(self.e18, self.places)

    @property
    def plain(self) -> str | None:
        """For machines: every digit and nothing else."""
        return None if self.e18 is None else plain(self.e18)


Cell = str | int | Number


class Source(NamedTuple):
    """Where a figure stands: a row of a table at a version, and for input the delivered file and its row."""

    table: str
    version: int
    key: str = ""
    file: str = ""
    file_sha256: str = ""
    row_number: int | None = None


Sources = tuple[Source, ...]


@dataclass(frozen=True)
class Said:
    """A sentence. `read`: its figures are read from its sources, not recomputed."""

    text: str
    sources: Sources = ()
    read: bool = False


@dataclass(frozen=True)
class Formula:
    """A formula, and below it the same with numbers; `result` is recomputed."""

    formula: str
    numbers: str
    result: Cell
    sources: Sources = ()


class Row(NamedTuple):
    cells: tuple[Cell, ...]
    sources: Sources = ()


@dataclass(frozen=True)
class Grid:
    """A table; its first `left` columns are text. `read` as of sentences."""

    title: str
    head: tuple[str, ...]
    rows: tuple[Row, ...]
    left: int = 1
    read: bool = False


class Check(NamedTuple):
    """A published figure beside the recomputed one."""

    column: str
    recomputed: Cell
    published: Cell

    @property
    def equal(self) -> bool:
        return self.recomputed == self.published


@dataclass(frozen=True)
class Compared:
    """A published row beside the recomputed one, column by column; `problem`: one of the two is not there."""

    source: Source
    checks: tuple[Check, ...]
    problem: str = ""

    @property
    def differing(self) -> list[Check]:
        return [check for check in self.checks if not check.equal]

    @property
    def equal(self) -> bool:
        return not (self.problem or self.differing)


Block = Said | Formula | Grid | Compared


@dataclass
class Section:
    """`rule`: the sections of rules.md that it follows."""

    title: str
    rule: str
    blocks: list[Block] = field(default_factory=list)

    def say(self, text: str, *sources: Source, read: bool = False) -> None:
        self.blocks.append(Said(text, sources, read))

    def add(self, *blocks: Block) -> None:
        self.blocks.extend(blocks)


@dataclass(frozen=True)
class Explanation:
    """`facts`: what it is about, name by name."""

    title: str
    facts: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    def compared(self) -> Iterator[Compared]:
        for section in self.sections:
            yield from (block for block in section.blocks if isinstance(block, Compared))

    @property
    def differing(self) -> list[Compared]:
        return [compared for compared in self.compared() if not compared.equal]

    def sources(self) -> dict[Source, int]:
        """Every source once, numbered from 1 in the order in which they are named."""
        found: dict[Source, int] = {}
        for section in self.sections:
            for block in section.blocks:
                for source in _sources(block):
                    found.setdefault(source, len(found) + 1)
        return found


def _sources(block: Block) -> Iterator[Source]:
    if isinstance(block, Grid):
        for row in block.rows:
            yield from row.sources
    elif isinstance(block, Compared):
        yield block.source
    else:
        yield from block.sources
