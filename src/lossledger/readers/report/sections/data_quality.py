"""K and L: data quality and operation."""

from typing import Any

from lossledger.readers.document.model import Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Time
from lossledger.readers.published_mark_gaps import read_mark_gaps
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections.delivered_rows import delivered
from lossledger.schemas import ops

_RESULTS = ("ops.dq_results",)
_LIMIT = "max_mark_gap_us"
_GAPS = (
    TableColumn("business_date", "session"),
    TableColumn("instrument_id", "instrument"),
    TableColumn("since", "last mark before, UTC"),
    TableColumn("until", "next mark, UTC", "Or the end of the session."),
    TableColumn("seconds", "seconds", "", True),
    TableColumn(
        "after", "liquidations after", "Of units that held the instrument, started after the gap began.", True
    ),
    TableColumn("first", "the first of them"),
)


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
        TableColumn("business_date", "session"),
        TableColumn("run", "checks", "Expectations of the run that published the date.", True),
        TableColumn("passed", "passed", "", True),
        TableColumn("warned", "warnings", "Published with the finding.", True),
        TableColumn("waived", "waived"),
    )
    table = TableBlock("quality", "Checks before publication", columns, tuple(counts), _RESULTS)
    return Section(
        "Data quality",
        [table, _findings(results), *_marks(facts), *delivered(facts), _unknown()],
        "quality",
        "K",
    )


def _findings(results: list[Any]) -> TableBlock:
    rows = tuple(
        (row["business_date"], row["table_name"], row["expectation"], row["unexpected_count"])
        for row in results
        if not row["success"]
    )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("table_name", "table"),
        TableColumn("expectation", "expectation"),
        TableColumn("rows", "rows", "That violate it.", True),
    )
    return TableBlock("findings", "Findings with which dates were published", columns, rows, _RESULTS, 3)


def _marks(facts: Facts) -> tuple[TableBlock, TableBlock]:
    """Coverage of the marks of held instruments by session, and every gap."""
    gaps = read_mark_gaps(facts.rows.tables, facts.days)
    coverage: list[tuple[Cell, ...]] = []
    for day in facts.days:
        mine, limit = [gap for gap in gaps if gap.day == day], facts.policies.get(day, {}).get(_LIMIT)
        if limit is None:
            coverage.append((day, *(Missing("published before gaps in marks were looked for"),) * 4))
            continue
        longest = max((gap.seconds for gap in mine), default=0)
        after = max((gap.episodes for gap in mine), default=0)
        coverage.append((day, int(limit) // 1_000_000, len(mine), longest, after))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("limit", "limit, s", "Policy max_mark_gap_us.", True),
        TableColumn("gaps", "gaps", "Of instruments that a client held, longer than the limit.", True),
        TableColumn("longest", "longest, s", "0: none is longer than the limit.", True),
        TableColumn(
            "after", "liquidations after", "The most that start after the beginning of one of them.", True
        ),
    )
    table = TableBlock("marks", "Coverage of marks", columns, tuple(coverage), _RESULTS)
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (g.day, g.instrument_id, Time(g.since), Time(g.until), g.seconds, g.episodes, ", ".join(g.first))
        for g in gaps
    )
    return table, TableBlock(
        "mark_gaps", "Gaps in the marks of held instruments", _GAPS, rows, _RESULTS, 3, shown=60
    )


def _unknown() -> TableBlock:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (what, Missing(why))
        for what, why in (
            ("Late and corrected deliveries", "a later delivery is a restatement, below, with its input"),
            (
                "Missing intervals",
                "what the venue did not deliver leaves no row; a dataset without any file stops the night",
            ),
        )
    )
    columns = (TableColumn("what", "what"), TableColumn("value", "value"))
    return TableBlock("quality_unknown", "What these tables cannot tell of the data", columns, rows, _RESULTS)


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
        TableColumn("business_date", "session"),
        TableColumn("run_id", "run"),
        TableColumn("started_at", "started, UTC"),
        TableColumn("outcome", "outcome"),
        TableColumn("milliseconds", "took, ms", "", True),
        TableColumn("exit_code", "code", "", True),
        TableColumn("message", "what failed"),
    )
    note = "Availability, service levels, manual overrides and index errors are in no table: not available."
    table = TableBlock(
        "runs", "Runs that published, and failures before them", columns, tuple(rows), ("ops.runs",), 3, note
    )
    return Section("Operation", [table], "operation", "L")
