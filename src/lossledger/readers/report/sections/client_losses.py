"""I: charges that touch principal, and retail clients without protection."""

from collections import defaultdict

from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Cell
from lossledger.readers.published_rows import count_accounts, rows_where, session_profit, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

_EVENTS = ("attribution.negative_balances",)


def principal(facts: Facts) -> TableBlock:
    """Charges above the session's profit: the excess reduces what the client had before."""
    profits: defaultdict[tuple[object, ...], int] = defaultdict(int)
    for row in facts.rows.rows(attribution.ACCOUNT_DAILY):
        profits[row["business_date"], row["account_id"], row["currency"]] += session_profit(row)
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        charged = rows_where(facts.rows.rows(attribution.SOCIALISED_LOSSES), **facts.same(day, currency))
        beyond = [(row, row["charge"] - max(0, profits[day, row["account_id"], currency])) for row in charged]
        touched = [(row, amount) for row, amount in beyond if amount > 0]
        amounts = (sum(amount for _, amount in touched), max((amount for _, amount in touched), default=0))
        rows.append(
            (
                day,
                currency,
                len(charged),
                len(touched),
                *(facts.amount(amount, currency) for amount in amounts),
            )
        )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("charges", "charges", "", True),
        TableColumn(
            "touching", "touch principal", "Charges above the account's profit of the session.", True
        ),
        TableColumn("amount", "from principal", "The part above the profit.", True),
        TableColumn("largest", "largest such part", "", True),
    )
    source = ("attribution.socialised_losses", "attribution.account_daily")
    return TableBlock("principal", "Charges that touch principal", columns, tuple(rows), source, 2)


def unprotected(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        mine = rows_where(
            facts.rows.rows(attribution.NEGATIVE_BALANCES), protected=False, **facts.same(day, currency)
        )
        retail = [row for row in mine if row["client_class"] == "retail" and row["cause"] != "transfer"]
        finding = "finding" if retail else "none"
        rows.append(
            (
                day,
                currency,
                len(retail),
                count_accounts(retail),
                facts.amount(sum_column(retail, "deficit"), currency),
                finding,
            )
        )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("events", "events", "Retail, not covered, not by a withdrawal.", True),
        TableColumn("accounts", "accounts", "", True),
        TableColumn("deficit", "deficit", "A debt of the clients.", True),
        TableColumn("finding", "finding"),
    )
    return TableBlock(
        "unprotected_retail", "Retail clients below zero without protection", columns, tuple(rows), _EVENTS, 2
    )
