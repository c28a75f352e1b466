"""K and L: data quality and operation."""

from typing import Any

from readers.report.facts import Facts
from readers.report.model import Cell, Column, Missing, Section, Table, Time
from readers.report.sections.delivered import delivered
from schemas import ops

_RESULTS = ("ops.dq_results",)


def quality(facts: Facts) -> Section:
    results = facts.rows.of_run(ops.DQ_RESULTS)
    counts: list[tuple[Cell, ...]] = []
    for day in facts.days:
        mine = [row for row in results if row["business_date"] == day]
        failed = [row for row in mine if not row["success"]]
        counts.append(
            (day, len(mine), len(mine) - len(failed), len(failed), Missing("a check cannot be waived"))
        )
    columns = (
        Column("business_date", "session"),
        Column("run", "checks", "Expectations of the run that published the date.", True),
        Column("passed", "passed", "", True),
        Column("warned", "warnings", "Published with the finding.", True),
        Column("waived", "waived"),
    )
    table = Table("quality", "Checks before publication", columns, tuple(counts), _RESULTS)
    return Section("quality", "K", "Data quality", (table, _findings(results), *delivered(facts), _unknown()))


def _findings(results: list[Any]) -> Table:
    rows = tuple(
        (row["business_date"], row["table_name"], row["expectation"], row["unexpected_count"])
        for row in results
        if not row["success"]
    )
    columns = (
        Column("business_date", "session"),
        Column("table_name", "table"),
        Column("expectation", "expectation"),
        Column("rows", "rows", "That violate it.", True),
    )
    return Table("findings", "Findings with which dates were published", columns, rows, _RESULTS, 3)


def _unknown() -> Table:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (what, Missing(why))
        for what, why in (
            ("Late and corrected deliveries", "a later delivery is a restatement, below, with its input"),
            (
                "Missing intervals",
                "what the venue did not deliver leaves no row; a dataset without any file stops the night",
            ),
            ("Coverage of marks", "the published tables hold the last mark of a session, not every one"),
        )
    )
    columns = (Column("what", "what"), Column("value", "value"))
    return Table("quality_unknown", "What these tables cannot tell of the data", columns, rows, _RESULTS)


def operation(facts: Facts) -> Section:
    rows: list[tuple[Cell, ...]] = []
    published = {day.day: day for day in facts.rows.days}
    for row in facts.rows.rows(ops.RUNS):
        day = published[row["business_date"]]
        if row["run_id"] == day.run_id or (
            row["outcome"] == "failed" and row["started_at"] < day.published_at
        ):
            rows.append((row["business_date"], row["run_id"], Time(row["started_at"]), row["outcome"],
                         row["milliseconds"], row["exit_code"], row["message"]))  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("run_id", "run"),
        Column("started_at", "started, UTC"),
        Column("outcome", "outcome"),
        Column("milliseconds", "took, ms", "", True),
        Column("exit_code", "code", "", True),
        Column("message", "what failed"),
    )
    note = "Availability, service levels, manual overrides and index errors are in no table: not available."
    table = Table(
        "runs", "Runs that published, and failures before them", columns, tuple(rows), ("ops.runs",), 3, note
    )
    return Section("operation", "L", "Operation", (table,))
