"""Write docs/dictionary.md from the declarations in schemas/, and docs/checks.md from the rules: `make docs`."""

import sys
from collections.abc import Iterable
from pathlib import Path

from expectations import page as checks
from schemas.core import Column, Dataset, Field, Table
from schemas.inputs import DATASETS
from schemas.registry import CARRIED, LEDGER, OPS, PUBLISHED, RAW

TARGET = Path(__file__).resolve().parents[1] / "docs" / "dictionary.md"
GROUPS = {
    "Published tables": PUBLISHED,
    "Ledger: typed input": LEDGER,
    "Ledger: state carried from date to date": CARRIED,
    "Raw: as delivered": RAW,
    "Operations": OPS,
}
INTRODUCTION = """# Data dictionary

Every input dataset and every table, written by `make docs` from `schemas/`: change it there, not here.
An amount whose unit is *currency* is an exact DECIMAL(38,18) in units of the row's currency; times are UTC.
"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## Input datasets\n", *map(_dataset, DATASETS.values())]
    for title, tables in GROUPS.items():
        parts += [f"## {title}\n", *map(_table, tables.values())]
    return "\n".join(parts)


def _dataset(dataset: Dataset) -> str:
    head = f"### {dataset.name}\n\n{dataset.doc}\nKey: {', '.join(dataset.key)}.\n"
    return f"{head}\n{_rows(_field(field) for field in dataset.fields)}"


def _field(field: Field) -> tuple[str, str, str, str]:
    type_ = str(field.type) + ("" if field.required else " ?")
    return field.name, type_, "currency" if field.money else "", _text(field.doc, field.values)


def _table(table: Table) -> str:
    head = f"### {table.full_name}\n\nA row is: {table.grain}. {table.doc}\nKey: {', '.join(table.key)}.\n"
    return f"{head}\n{_rows(_column(column) for column in table.columns)}"


def _column(column: Column) -> tuple[str, str, str, str]:
    type_ = str(column.type) + (" ?" if column.nullable else "")
    return column.name, type_, column.unit, _text(column.doc, column.values)


def _text(doc: str, values: tuple[str, ...]) -> str:
    named = ", ".join(f"`{value}`" for value in values if value)
    return (f"{doc} One of {named}." if named else doc).replace("|", "\\|")


def _rows(rows: Iterable[tuple[str, str, str, str]]) -> str:
    head = "| column (`?` = may be null) | type | unit | meaning |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    for target, text in ((TARGET, render()), (checks.TARGET, checks.render())):
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target.relative_to(target.parents[1])} written\n")
