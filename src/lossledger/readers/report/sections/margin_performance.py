"""D: how often margin sufficed, and how far it did not."""

from lossledger.readers.document.model import Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Share
from lossledger.readers.published_rows import rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections.loss_sharing import largest_of
from lossledger.schemas import attribution


def margin(facts: Facts) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        ended = rows_where(facts.rows.rows(attribution.LIQUIDATIONS), **facts.same(day, currency))
        flat = [row for row in ended if row["end_reason"] != "recovered"]
        short = [row for row in flat if row["deficit"] > 0]
        mean: Cell = Missing("no deficit")
        if short:
            mean = facts.amount(facts.mean(sum_column(short, "deficit"), len(short), currency), currency)
        rows.append(
            (day, currency, len(flat), len(short), Share(len(flat) - len(short), len(flat)), mean,
             facts.amount(largest_of(short, "deficit"), currency), Missing("not delivered"))
        )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("observations", "liquidations to the end", "", True),
        TableColumn("short", "margin did not suffice", "Ended below zero.", True),
        TableColumn(
            "coverage", "coverage achieved", "Share that ended at or above zero, rounded to a tenth.", True
        ),
        TableColumn("mean", "mean uncovered", "Cut off at the ledger unit.", True),
        TableColumn("peak", "peak uncovered", "", True),
        TableColumn("initial", "initial margin", "", True),
    )
    table = TableBlock(
        "margin", "How often margin sufficed", columns, tuple(rows), ("attribution.liquidations",), 2
    )
    return Section("Performance of margin", [table], "margin", "D")
