"""What was published before and is no longer: per table, and per figure of the waterfall with its old value."""

from collections import defaultdict
from datetime import date
from typing import Any

from readers.compare.rows import diff_table, money_totals
from readers.report.facts import Facts
from readers.report.model import Block, Cell, Column, Missing, Table, Time
from schemas import attribution, ops
from schemas.registry import TABLES
from store.arrow import to_rows

_SOURCE = ("ops.restatements",)
_COMPARED = (attribution.SESSION_LOSSES, attribution.INSURANCE_FUND_DAILY)


def restatements(facts: Facts) -> list[Block]:
    """Of the reported dates, since they were first published; a monthly report has those of earlier months too."""
    found = facts.rows.rows(ops.RESTATEMENTS)
    reasons: defaultdict[tuple[date, str], list[str]] = defaultdict(list)
    for row in facts.rows.rows(ops.RESTATEMENT_REASONS):
        reasons[row["business_date"], row["run_id"]].append(row["reason"])
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        why = reasons[row["business_date"], row["run_id"]]
        reason: Cell = "; ".join(why) if why else Missing("no reason was noted")
        rows.append((row["business_date"], row["table_name"], Time(row["restated_at"]), row["run_id"],
                     row["rows_before"], row["rows_after"], row["version_before"], row["version_after"],
                     reason))  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("table_name", "table"),
        Column("restated_at", "restated, UTC"),
        Column("run_id", "run"),
        Column("rows_before", "rows before", "", True),
        Column("rows_after", "rows after", "", True),
        Column("version_before", "version before", "", True),
        Column("version_after", "version after", "", True),
        Column("reason", "cause"),
    )
    title = "Published tables that a later run replaced"
    note = "" if rows else "None of the reported dates was restated."
    return [Table("restated", title, columns, tuple(rows), _SOURCE, 4, note), _values(facts, found)]


def _values(facts: Facts, found: list[Any]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        table = TABLES[row["table_name"]]
        if table in _COMPARED:
            rows += _changes(facts, table, row)
    columns = (
        Column("business_date", "session"),
        Column("table_name", "table"),
        Column("run_id", "run"),
        Column("currency", "currency"),
        Column("column", "figure"),
        Column("before", "previous value", "", True),
        Column("after", "new value", "", True),
        Column("difference", "difference", "", True),
    )
    title = "Figures of the waterfall and the fund that restatements changed"
    return Table(
        "restated_values", title, columns, tuple(rows), (*_SOURCE, *(t.full_name for t in _COMPARED)), 5
    )


def _changes(facts: Facts, table: Any, row: Any) -> list[tuple[Cell, ...]]:
    day: date = row["business_date"]
    sides = []
    for version in (row["version_before"], row["version_after"]):
        data = facts.rows.tables.warehouse.read(table, day, int(version))
        names = [column.name for column in table.columns]
        sides.append([dict(zip(names, values, strict=True)) for values in to_rows(table, data)])
    return [
        (day, table.full_name, row["run_id"], change.currency, change.column,
         *(facts.amount(amount, change.currency) for amount in (change.left, change.right, change.right - change.left)))
        for change in money_totals(diff_table(table, *sides), [day])
        if change.left != change.right
    ]  # fmt: skip
