"""Write docs/dictionary.md from the declarations in schemas/, and docs/checks.md from the rules: `make docs`."""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

from lossledger.expectations import page as checks
from lossledger.schemas.core import Column, Dataset, Field, Table
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.provenance import example, example_of_input, since, source
from lossledger.schemas.registry import CARRIED, LEDGER, OPS, PUBLISHED, RAW

TARGET = Path(__file__).resolve().parents[1] / "docs" / "dictionary.md"
GROUPS = {
    "Published tables": PUBLISHED,
    "Ledger: typed input": LEDGER,
    "Ledger: state carried from date to date": CARRIED,
    "Raw: as delivered": RAW,
    "Operations": OPS,
}
RULES = TARGET.with_name("spec") / "rules.md"
INTRODUCTION = """# Data dictionary

Every input dataset and every table, written by `make docs` from `schemas/`: change it there, not here. The Delta tables
say the same in the comments of their columns.

- **Unit**: *currency* is an exact DECIMAL(38,18) in units of the row's currency, *ledger units* a whole number of its
  smallest amounts; *UTC* is a time to the microsecond.
- **Source**: the section of the [rules](spec/rules.md), or the page of the contract, that says what the value is.
- **Since**: the first warehouse format with the column. 1 is version 0.1.0. A run adds to a warehouse of format 4 what
  came later; in rows of before such a column is zero, empty or null. One of format 1 to 3 is refused, and its dates are
  run again.
- **Example**: a value as a CSV file has it. Those of a table are of one row, most of them from the demonstration.
- `?` after a type: the value may be null; in an input dataset, the column may be left out.
"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION, _contents(), "## Input datasets\n", *map(_dataset, DATASETS.values())]
    for title, tables in GROUPS.items():
        parts += [f"## {title}\n", *map(_table, tables.values())]
    return "\n".join(parts)


def _contents() -> str:
    """Every table and what a row of it is, before the columns of the first."""
    rows = [f"| {_link(t.full_name)} | {t.grain} |\n" for group in GROUPS.values() for t in group.values()]
    return "## Tables at a glance\n\n| table | a row is |\n|---|---|\n" + "".join(rows)


def _link(name: str) -> str:
    return f"[{name}](#{name.replace('.', '')})"


def _dataset(dataset: Dataset) -> str:
    head = f"### {dataset.name}\n\n{dataset.doc}\nKey: {', '.join(dataset.key)}.\n"
    return f"{head}\n{_rows(_field(dataset, field) for field in dataset.fields)}"


def _field(dataset: Dataset, field: Field) -> tuple[str, ...]:
    return (
        field.name,
        str(field.type) + ("" if field.required else " ?"),
        field.measured_in,
        _text(field.doc, field.values),
        "[inputs](spec/inputs.md)",
        "1",
        _example(example_of_input(dataset, field.name)),
    )


def _table(table: Table) -> str:
    head = f"### {table.full_name}\n\nA row is: {table.grain}. {table.doc}\nKey: {', '.join(table.key)}.\n"
    return f"{head}\n{_rows(_column(table, column) for column in table.columns)}"


def _column(table: Table, column: Column) -> tuple[str, ...]:
    return (
        column.name,
        str(column.type) + (" ?" if column.nullable else ""),
        column.unit,
        _text(column.doc, column.values),
        _source(*source(table, column)),
        str(since(table, column)),
        _example(example(table, column)),
    )


def _source(page: str, section: int) -> str:
    if not section:
        return f"[{page.removesuffix('.md')}](spec/{page})"
    head = re.search(rf"^## ({section}\. .+)$", RULES.read_text(encoding="utf-8"), re.MULTILINE)
    assert head, f"rules.md has no section {section}"
    anchor = re.sub(r"[^\w\- ]", "", head[1].lower()).replace(" ", "-")
    return f"[rules {section}](spec/{page}#{anchor})"


def _example(value: str) -> str:
    """A hash is cut short."""
    shown = f"{value[:12]}…" if re.fullmatch("[0-9a-f]{64}", value) else value
    return f"`{shown}`".replace("|", "\\|") if shown else "empty"


def _text(doc: str, values: tuple[str, ...]) -> str:
    named = ", ".join(f"`{value}`" for value in values if value)
    return (f"{doc} One of {named}." if named else doc).replace("|", "\\|")


def _rows(rows: Iterable[tuple[str, ...]]) -> str:
    head = "| column | type | unit | meaning | source | since | example |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    for target, text in ((TARGET, render()), (checks.TARGET, checks.render())):
        target.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{target.relative_to(target.parents[1])} written\n")
