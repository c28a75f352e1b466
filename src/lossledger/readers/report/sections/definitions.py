"""Definitions, and the bridge from ours to others in use: one event has several published sizes."""

from lossledger.readers.document.model import Block, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing
from lossledger.readers.published_rows import rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution

_TERMS = (
    (
        "Covered deficit",
        "How far a flat risk unit of a protected account fell below zero, beyond earlier debt.",
    ),
    ("Receivable", "The same without protection, or caused by a withdrawal: a debt of the account."),
    ("Risk unit", "An account's cross margin in one currency, or one isolated position."),
    (
        "Shortfall",
        "What the fund could not pay of a covered deficit; it is shared at the end of the session.",
    ),
    ("Charge", "An account's share of the session's shortfall. Never more than what it has."),
    ("ADL loss", "Loss of a deleveraged account against the mark then in force, fee excluded."),
    ("Session", "From its start to the next one's; its date is the UTC date on which it starts."),
)


def definitions(facts: Facts) -> Section:
    columns = (TableColumn("term", "term"), TableColumn("meaning", "meaning"))
    terms = TableBlock("terms", "Terms", columns, _TERMS, ())
    blocks: list[Block] = [terms, _bridge(facts)]
    return Section("Definitions and bridge", blocks, "definitions")


def _bridge(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        losses = rows_where(facts.rows.rows(attribution.SESSION_LOSSES), currency=currency)
        episodes = sum_column(
            rows_where(facts.rows.rows(attribution.LIQUIDATIONS), currency=currency), "deficit"
        )
        covered, debts = sum_column(losses, "deficit"), sum_column(losses, "unprotected_deficit")
        fees = sum_column(
            rows_where(facts.rows.rows(attribution.LIQUIDATIONS), currency=currency), "liquidation_fees"
        )
        terms: tuple[tuple[str, int, str], ...] = (
            ("covered deficits (this report)", covered, "what the waterfall pays"),
            ("all balances below zero", covered + debts, "plus receivables: protection is not asked for"),
            ("deficits of liquidations", episodes, "plus debt from before, less what fell without a liquidation"),
            ("fund draws", -sum_column(losses, "fund_draw"), "what a venue's fund history shows as used"),
            ("net use of the fund", -sum_column(losses, "fund_draw") + sum_column(
                rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), currency=currency), "liquidation_fees"
            ), "draws after fees of liquidations that the fund received"),
            ("deficits with losses in kind", covered + sum_column(losses, "adl_loss"),
             "plus what the deleveraged lost"),
            ("fees of liquidations", fees, "part of the deficits where the account had nothing left"),
        )  # fmt: skip
        rows += [(currency, name, facts.amount(amount, currency), how) for name, amount, how in terms]
        by_mark = Missing("needs every mark of a session, which is not published")
        rows.append((currency, "unrealised loss of liquidated positions at the worst mark", by_mark, ""))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("definition", "definition"),
        TableColumn("amount", "amount", "", True),
        TableColumn("how", "how it is reached"),
    )
    source = ("attribution.session_losses", "attribution.liquidations", "attribution.insurance_fund_daily")
    return TableBlock("bridge", "The same events under definitions in use", columns, tuple(rows), source, 2)
