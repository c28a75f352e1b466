"""A question is SQL with a title; its answer has rows of exact text, as `lossledger query` writes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.query.query_result import Result, csv_lines
from lossledger.readers.query.sql_query import run_query
from lossledger.store.duck import quoted


@dataclass(frozen=True)
class Question:
    """`sql`: one SELECT over published tables, which `lossledger query` answers alike."""

    title: str
    sql: str


@dataclass
class Answer:
    """Rows of texts, numbers of things and truth values; nothing is None. A decimal is text with every digit.

    `kinds`: DuckDB's type of each column. `sql` is empty where the rows are recomputed and not read.
    """

    title: str
    sql: str
    names: list[str]
    kinds: list[str]
    kept: list[list[Any]]

    def rows(self) -> Sequence[Sequence[Any]]:
        return self.kept

    def column(self, name: str) -> list[Any]:
        place = self.names.index(name)
        return [row[place] for row in self.kept]

    def amounts(self, name: str) -> list[int]:
        """A column of decimals as integers of 10^-18; nothing counts as 0."""
        return [parse_decimal_e18(value) if value is not None else 0 for value in self.column(name)]

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.names, row, strict=True)) for row in self.kept]

    def csv(self) -> str:
        """All rows, as `--format csv` has them."""
        return "".join(f"{line}\n" for line in csv_lines(self))


def ask(tables: PublishedTables, question: Question) -> Answer:
    """ConfigError: the SQL is wrong, or no such table."""
    with run_query(tables, question.sql) as database:
        result = Result.of(database, tables.scales)
        rows = [list(row) for row in result.rows()]
    return Answer(question.title, question.sql, result.names, result.types, rows)


def text(value: str) -> str:
    """A quoted SQL literal; `value` may come from an untrusted address."""
    return f"'{quoted(value)}'"


def day(value: date) -> str:
    return f"DATE '{value.isoformat()}'"
