"""M, since the last report: restated dates, reasons, and changed figures."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from deltalake.exceptions import DeltaError

from lossledger.engine.clock import iso
from lossledger.engine.errors import ConfigError, LossledgerError
from lossledger.readers.compare.row_differences import diff_table, money_totals
from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing
from lossledger.readers.published.pins import read_pins
from lossledger.readers.published_rows import PublishedRows
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.previous_report import COMPARED, PreviousDay, PreviousReport
from lossledger.readers.report.row_proof import rows_sha256
from lossledger.schemas import ops
from lossledger.store.arrow import to_rows
from lossledger.store.published_dates import PublishedDate, columns_of

_GONE = "not published any more"


def describe_changes(facts: Facts, listed: bool = True) -> str:
    """Changes since the last report, in sentences; `listed`: tables of all restatements follow."""
    previous = facts.request.previous
    if previous is None:
        return (
            "No earlier report was named (--previous), so what changed since the last one is not told apart"
            + (
                ": these are all restatements of the reported dates since they were first published."
                if listed
                else "."
            )
        )
    states = [_state(day, _now(facts, day)) for day in previous.days]
    count = len(states) - states.count("unchanged")
    content = f"; its content hash is {previous.content_sha256}" if previous.content_sha256 else ""
    return (
        f"The last report told {_dates(len(states))}, {previous.first} to {previous.last}, for the audience "
        f"{previous.audience}{content}. "
        + (
            f"{count:,} of them {'was' if count == 1 else 'were'} restated since."
            if count
            else "All stand as told."
        )
    )


def _dates(count: int) -> str:
    return "1 date" if count == 1 else f"{count:,} dates"


def _now(facts: Facts, day: PreviousDay) -> PublishedDate | None:
    return facts.rows.tables.pins.days.get(day.day)


def _state(then: PreviousDay, now: PublishedDate | None) -> str:
    if now is None:
        return _GONE
    same = now.output_sha256 == then.output_sha256 if then.output_sha256 else now.run_id == then.run_id
    return "unchanged" if same else "restated"


def _stated(facts: Facts) -> PreviousReport:
    assert facts.request.previous
    return facts.request.previous


def list_restated_dates(facts: Facts, with_causes: bool) -> TableBlock:
    """Every date of the last report, including dates outside this report."""
    previous, reported = _stated(facts), set(facts.days)
    causes = _causes(facts, previous) if with_causes else {}
    rows: list[tuple[Cell, ...]] = []
    for then in previous.days:
        now = _now(facts, then)
        state = _state(then, now)
        row: list[Cell] = [then.day, state, "yes" if then.day in reported else "no", then.run_id,
                           now.run_id if now else Missing(_GONE)]  # fmt: skip
        if with_causes:
            unknown = "" if state == "unchanged" else Missing("no reason was noted")
            row.append("; ".join(causes.get(then.day, ())) or unknown)
        rows.append(tuple(row))
    columns = [
        TableColumn("business_date", "session"),
        TableColumn("state", "since then"),
        TableColumn("reported", "in this report"),
        TableColumn("run_then", "run then"),
        TableColumn("run_now", "run now"),
    ]
    columns += [TableColumn("cause", "cause")] if with_causes else []
    source = ("ops.published_days", "ops.restatement_reasons") if with_causes else ("ops.published_days",)
    return TableBlock("since_dates", "The dates of the last report", tuple(columns), tuple(rows), source)


def _causes(facts: Facts, previous: PreviousReport) -> dict[date, dict[str, None]]:
    """Reasons of the runs that published a date since, each once."""
    found: defaultdict[date, dict[str, None]] = defaultdict(dict)
    restated = {d.day: d for d in previous.days if _state(d, _now(facts, d)) == "restated"}
    if restated:
        for row in PublishedRows(facts.rows.tables, restated).rows(ops.RESTATEMENT_REASONS):
            if iso(row["restated_at"]) > restated[row["business_date"]].published_at:
                found[row["business_date"]][row["reason"]] = None
    return found


def list_changed_figures(facts: Facts) -> TableBlock:
    """Figures of the waterfall and the fund in the last report and now."""
    rows: list[tuple[Cell, ...]] = []
    for then in _stated(facts).days:
        now = _now(facts, then)
        if now and _state(then, now) == "restated":
            rows += _changes(facts, then, now)
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("table_name", "table"),
        TableColumn("currency", "currency"),
        TableColumn("column", "figure"),
        TableColumn("before", "in the last report", "", True),
        TableColumn("after", "now", "", True),
        TableColumn("difference", "difference", "", True),
    )
    title = "Figures of the waterfall and the fund that changed since the last report"
    return TableBlock("since_values", title, columns, tuple(rows), tuple(t.full_name for t in COMPARED), 4)


def _changes(facts: Facts, then: PreviousDay, now: PublishedDate) -> Iterator[tuple[Cell, ...]]:
    hashes, recorded = (then.rows_sha256, then.columns) if then.rows_sha256 else _published_then(facts, then)
    for table in COMPARED:
        name = table.full_name
        if now.table_sha256[name] == hashes.get(name):
            continue
        if not _there(facts, table, then, hashes.get(name), columns_of(table, recorded.get(name, ""))):
            gone = Missing("the version that the last report was made from is not in this warehouse")
            yield (then.day, name, "", "every figure", gone, gone, gone)
            continue
        versions = (then.versions[name], now.version_of(table))
        yield from ((then.day, name, *rest) for rest in changed(facts, table, then.day, versions))


def _published_then(facts: Facts, then: PreviousDay) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Hashes and their columns as the warehouse has them, where that report has none; empty without such a run."""
    try:
        row = read_pins(facts.rows.tables.warehouse, then.run_id).days.get(then.day)
    except ConfigError:
        return {}, {}
    return (row.table_sha256, row.table_columns) if row and row.run_id == then.run_id else ({}, {})


def _there(facts: Facts, table: Any, then: PreviousDay, sha256: str | None, columns: Sequence[str]) -> bool:
    """A rebuilt warehouse has other versions."""
    name, warehouse = table.full_name, facts.rows.tables.warehouse
    try:
        return rows_sha256(warehouse, table, then.day, then.versions[name], columns) == sha256
    except (LossledgerError, OSError, ValueError, DeltaError):
        return False


def changed(facts: Facts, table: Any, day: date, versions: tuple[int, int]) -> list[tuple[Cell, ...]]:
    """Currency, column, amounts before and after and their difference, of each amount in which two versions differ."""
    names = [column.name for column in table.columns]
    sides = [
        [
            dict(zip(names, values, strict=True))
            for values in to_rows(table, facts.rows.tables.warehouse.read(table, day, version))
        ]
        for version in versions
    ]
    return [
        (change.currency, change.column,
         *(facts.amount(amount, change.currency) for amount in (change.left, change.right, change.right - change.left)))
        for change in money_totals(diff_table(table, *sides), [day])
        if change.left != change.right
    ]  # fmt: skip
