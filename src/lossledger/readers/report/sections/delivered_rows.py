"""K: delivered rows by result: used, duplicate, superseded, or quarantined with reasons."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from typing import Any

from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Cell
from lossledger.readers.published.published_files import REFERENCE_DAY, folders
from lossledger.readers.report.facts import Facts
from lossledger.schemas import ledger
from lossledger.store.arrow import to_rows

_COLUMNS = ("event_date", "dataset", "rows", "accepted", "duplicates", "superseded", "quarantined")


def delivered(facts: Facts) -> tuple[TableBlock, TableBlock]:
    """Of the folders that hold events of the reported dates, and of reference data."""
    found = _rows(facts, ledger.DELIVERIES, _COLUMNS)
    wanted = set(_folders(facts, [row[0] for row in found]))
    return _counts([row for row in found if row[0] in wanted]), _reasons(facts, wanted)


def _rows(facts: Facts, table: Any, columns: tuple[str, ...]) -> list[tuple[Any, ...]]:
    return sorted(to_rows(table, facts.rows.tables.rows(table.full_name), columns))


def _folders(facts: Facts, known: list[date]) -> Iterator[date]:
    earliest = min((day for day in known if day != REFERENCE_DAY), default=REFERENCE_DAY)
    yield REFERENCE_DAY
    for day in facts.rows.days:
        yield from folders(day, min(earliest, day.day))


def _counts(found: list[tuple[Any, ...]]) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for folder, dataset, count, used, duplicates, superseded, quarantined in found:
        folder_text = "reference data" if folder == REFERENCE_DAY else str(folder)
        left = count - used - duplicates - superseded - quarantined
        rows.append((folder_text, dataset, count, used, duplicates, superseded, quarantined, left))
    columns = (
        TableColumn("delivery", "delivery of", "Its folder's date."),
        TableColumn("dataset", "dataset"),
        TableColumn("rows", "rows", "In the files.", True),
        TableColumn("used", "used", "In the ledger.", True),
        TableColumn("duplicates", "duplicates", "Identical to a row that is used.", True),
        TableColumn(
            "superseded",
            "superseded",
            "States of a time that a later row states again: the last holds.",
            True,
        ),
        TableColumn("quarantined", "quarantined", "Rejected, and kept as delivered.", True),
        TableColumn("check", "check", "rows − used − duplicates − superseded − quarantined: 0.", True),
    )
    title, source = "What became of every delivered row", ("ledger.deliveries",)
    return TableBlock("deliveries", title, columns, tuple(rows), source, 2, shown=60)


def _reasons(facts: Facts, wanted: set[date]) -> TableBlock:
    counts: Counter[tuple[str, ...]] = Counter()
    days = wanted | {
        day.day for day in facts.rows.days
    }  # a rejected row of reference data has the date of its run
    for day, dataset, reasons in _rows(facts, ledger.QUARANTINE, ("business_date", "dataset", "reasons")):
        if day in days:
            # text after a colon describes the single row
            for reason in {reason.partition(": ")[0] for reason in reasons.split("; ")}:
                counts[str(day), dataset, reason] += 1
    columns = (
        TableColumn("business_date", "delivery of"),
        TableColumn("dataset", "dataset"),
        TableColumn("reason", "reason"),
        TableColumn("rows", "rows", "A row with two reasons is counted under both.", True),
    )
    rows: list[tuple[Cell, ...]] = [(*key, count) for key, count in sorted(counts.items())]
    return TableBlock(
        "quarantine", "Quarantined rows by reason", columns, tuple(rows), ("ledger.quarantine",), 3, shown=60
    )
