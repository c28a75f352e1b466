"""M: restatements, by table and by figure of the waterfall with the old value."""

from collections import defaultdict
from datetime import date
from typing import Any

from lossledger.readers.document.model import Block, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Time
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.previous_report import COMPARED
from lossledger.readers.report.sections.changes_since import (
    changed,
    describe_changes,
    list_changed_figures,
    list_restated_dates,
)
from lossledger.schemas import ops
from lossledger.schemas.registry import TABLES

_SOURCE = ("ops.restatements", "ops.restatement_reasons")


def restated(facts: Facts) -> Section:
    """Changes since the last report, if one was named, then all restatements of the reported dates."""
    blocks: list[Block] = [Paragraph(describe_changes(facts))]
    if facts.request.previous:
        blocks += [list_restated_dates(facts, with_causes=True), list_changed_figures(facts)]
    found = _published(facts)
    blocks += [_tables(facts, found), _values(facts, found)]
    return Section("Restatements", blocks, "restatements", "M")


def _published(facts: Facts) -> list[Any]:
    """Restatements, without those of runs that ended before they published."""
    seen = {(day.day, day.run_id) for day in facts.rows.days}
    seen |= {
        (row["business_date"], row["run_id"])
        for row in facts.rows.rows(ops.RUNS)
        if row["outcome"] == "published"
    }
    return [row for row in facts.rows.rows(ops.RESTATEMENTS) if (row["business_date"], row["run_id"]) in seen]


def _tables(facts: Facts, found: list[Any]) -> TableBlock:
    reasons: defaultdict[tuple[date, str], dict[str, None]] = defaultdict(dict)
    for row in facts.rows.rows(ops.RESTATEMENT_REASONS):
        reasons[row["business_date"], row["run_id"]][row["reason"]] = None
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        why = reasons[row["business_date"], row["run_id"]]
        reason: Cell = "; ".join(why) if why else Missing("no reason was noted")
        rows.append((row["business_date"], row["table_name"], Time(row["restated_at"]), row["run_id"],
                     row["rows_before"], row["rows_after"], row["version_before"], row["version_after"],
                     reason))  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("table_name", "table"),
        TableColumn("restated_at", "restated, UTC"),
        TableColumn("run_id", "run"),
        TableColumn("rows_before", "rows before", "", True),
        TableColumn("rows_after", "rows after", "", True),
        TableColumn("version_before", "version before", "", True),
        TableColumn("version_after", "version after", "", True),
        TableColumn("reason", "cause"),
    )
    title = "All restatements of the reported dates, since they were first published"
    note = "" if rows else "None of the reported dates was ever restated."
    return TableBlock("restated", title, columns, tuple(rows), _SOURCE, 4, note)


def _values(facts: Facts, found: list[Any]) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for row in found:
        table = TABLES[row["table_name"]]
        if table in COMPARED:
            rows += _changes(facts, table, row)
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("table_name", "table"),
        TableColumn("run_id", "run"),
        TableColumn("currency", "currency"),
        TableColumn("column", "figure"),
        TableColumn("before", "previous value", "", True),
        TableColumn("after", "new value", "", True),
        TableColumn("difference", "difference", "", True),
    )
    title = "Figures of the waterfall and the fund that they changed, one after the other"
    source = (*_SOURCE[:1], *(table.full_name for table in COMPARED))
    return TableBlock("restated_values", title, columns, tuple(rows), source, 5)


def _changes(facts: Facts, table: Any, row: Any) -> list[tuple[Cell, ...]]:
    versions = (int(row["version_before"]), int(row["version_after"]))
    day: date = row["business_date"]
    return [(day, table.full_name, row["run_id"], *rest) for rest in changed(facts, table, day, versions)]
