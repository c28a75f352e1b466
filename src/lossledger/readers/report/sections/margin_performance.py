"""D: how often margin sufficed, and how far it did not."""

from lossledger.readers.published_rows import rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.model import Cell, Column, Missing, Section, Share, Table
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
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("observations", "liquidations to the end", "", True),
        Column("short", "margin did not suffice", "Ended below zero.", True),
        Column(
            "coverage", "coverage achieved", "Share that ended at or above zero, rounded to a tenth.", True
        ),
        Column("mean", "mean uncovered", "Cut off at the ledger unit.", True),
        Column("peak", "peak uncovered", "", True),
        Column("initial", "initial margin", "", True),
    )
    table = Table(
        "margin", "How often margin sufficed", columns, tuple(rows), ("attribution.liquidations",), 2
    )
    return Section("margin", "D", "Performance of margin", (table,))
