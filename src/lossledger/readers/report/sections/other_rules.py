"""The session's losses shared under other rules, and charges beyond what accounts have."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from lossledger.readers.charts import loss_charts as charts
from lossledger.readers.document.model import Block, Drawing, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Share
from lossledger.readers.published_rows import rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

_NEXT = 9
_DRAWN = 4
_SOURCE = ("attribution.rule_totals", "attribution.rule_comparison")


def rules(facts: Facts) -> Section:
    totals = facts.rows.rows(attribution.RULE_TOTALS)
    if not totals:
        words = "The fund paid every covered deficit: there was nothing to share under any rule."
        return Section("Other sharing rules", [Paragraph(words)], "rules")
    blocks: list[Block] = [
        Paragraph(
            "The same shortfalls shared once more under every rule that the policy compares. Nothing of it is booked: "
            "it is a first-order comparison on the balances of the rule in force. Two rules do not cap a charge by "
            "what the account has; what they charge beyond it stands in a column of its own."
        )
    ]
    rows: list[tuple[Cell, ...]] = []
    drawn = _largest(facts)
    for day, currency, losses in facts.sessions():
        compared = rows_where(totals, **facts.same(day, currency))
        compared.sort(key=lambda row: attribution.COMPARED_RULES.index(row["rule"]))
        bars = []
        for row in compared:
            order = _charges(facts, row)
            rows.append(_line(facts, row, order))
            first, following = sum_column(order[:1], "charge"), sum_column(order[1 : 1 + _NEXT], "charge")
            rest = row["charged"] - first - following
            bars.append((row["rule"].replace("_", " "), (first, following, rest, row["uncovered"])))
        if bars and (currency, losses["shortfall"], day) in drawn:
            blocks.append(_drawing(f"{day}", currency, bars))
    return Section("Other sharing rules", [*blocks, _table(rows)], "rules")


def _largest(facts: Facts) -> set[tuple[str, int, date]]:
    """The sessions of each currency that are drawn: a year of them would be a book."""
    found: set[tuple[str, int, date]] = set()
    for currency in facts.currencies:
        mine = [(currency, row["shortfall"], day) for day, cur, row in facts.sessions() if cur == currency]
        found |= set(sorted(mine, key=lambda one: (-one[1], one[2]))[:_DRAWN])
    return found


def _charges(facts: Facts, row: Any) -> list[Any]:
    same = {name: row[name] for name in ("business_date", "rule", "currency")}
    found = rows_where(facts.rows.rows(attribution.RULE_COMPARISON), **same)
    return sorted(found, key=lambda charge: (-charge["charge"], charge["account_id"]))


def _line(facts: Facts, row: Any, order: Sequence[Any]) -> tuple[Cell, ...]:
    currency = row["currency"]
    names = ("shortfall", "charged", "to_fund", "uncovered", "beyond_chargeable")
    by_house = sum_column(rows_where(order, account_type="house"), "charge")
    most = Share(sum_column(order[:1], "charge"), row["charged"])
    amounts = [facts.amount(row[name], currency) for name in names]
    return (
        row["business_date"],
        currency,
        row["rule"],
        *amounts,
        row["payers"],
        most,
        facts.amount(by_house, currency),
    )


def _drawing(day: str, currency: str, bars: Sequence[tuple[str, Sequence[int]]]) -> Drawing:
    words = "Each bar is one rule's charges, from the account that pays most to the many that pay little."
    title = f"Who would pay, {day}, {currency}"
    return Drawing(f"rules_{day}_{currency}", title, words, lambda width: charts.rules(currency, bars, width))


def _table(rows: list[tuple[Cell, ...]]) -> TableBlock:
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("rule", "rule"),
        TableColumn("shortfall", "shortfall", "", True),
        TableColumn("charged", "charged", "", True),
        TableColumn("to_fund", "to the fund", "Charged beyond the shortfall.", True),
        TableColumn("uncovered", "uncovered", "", True),
        TableColumn(
            "beyond", "beyond what accounts have", "Sum of what charges exceed the accounts' equity by.", True
        ),
        TableColumn("payers", "payers", "", True),
        TableColumn("most", "largest payer", "Share of what is charged, rounded to a tenth.", True),
        TableColumn("house", "by the house", "Charged to house accounts.", True),
    )
    return TableBlock("rules", "The same shortfalls under other rules", columns, tuple(rows), _SOURCE, 3)
