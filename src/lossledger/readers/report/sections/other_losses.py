"""Losses outside the waterfall: deleveraging, unpaid liquidation fees, debts of unprotected accounts."""

from lossledger.readers.document.model import TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing, Time
from lossledger.readers.published_rows import count_accounts, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.session_figures import fees_below_zero
from lossledger.schemas import attribution


def adl_daily(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        mine = rows_where(facts.rows.rows(attribution.ADL_LOSSES), **facts.same(day, currency))
        unmarked = sum(row["mark_price"] is None for row in mine)
        rows.append(
            (day, currency, len(mine), count_accounts(mine), facts.amount(losses["adl_loss"], currency), unmarked,
             Missing("the venue's ranking is not delivered"))
        )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("fills", "fills", "", True),
        TableColumn("accounts", "accounts", "Deleveraged ones.", True),
        TableColumn("amount", "lost in kind", "Against the mark then in force, fees excluded.", True),
        TableColumn("unmarked", "without a mark", "Fills at a time at which there was no mark.", True),
        TableColumn("order", "taken out of order"),
    )
    title, source = "Auto-deleveraging, day by day", ("attribution.adl_losses", "attribution.session_losses")
    return TableBlock("adl_daily", title, columns, tuple(rows), source, 2)


def adl(facts: Facts) -> TableBlock:
    rows = tuple(
        (row["fill_id"], Time(row["ts"]), row["account_id"], row["currency"], row["instrument_id"], row["side"],
         facts.amount(row["amount"], row["currency"]), row["against_account_id"] or "several or none")
        for row in sorted(
            facts.rows.rows(attribution.ADL_LOSSES), key=lambda r: (r["currency"], -r["amount"], r["fill_id"])
        )
    )  # fmt: skip
    columns = (
        TableColumn("fill_id", "fill"),
        TableColumn("ts", "time, UTC"),
        TableColumn("account_id", "account"),
        TableColumn("currency", "currency"),
        TableColumn("instrument_id", "instrument"),
        TableColumn("side", "side"),
        TableColumn("amount", "lost", "Against the mark then in force, fee excluded.", True),
        TableColumn("against", "relieved account"),
    )
    note = "The order in which the venue chose whom to deleverage is not in the data: not available."
    return TableBlock("adl", "Auto-deleveraging, the largest losses first", columns, rows,
                 ("attribution.adl_losses",), 1, note, 20)  # fmt: skip


def fees(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day in facts.rows.days:
        for currency in facts.currencies:
            covered, uncovered = fees_below_zero(facts.rows, day, currency)
            rows.append(
                (day.day, currency, facts.amount(covered, currency), facts.amount(uncovered, currency))
            )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("covered", "of covered deficits", "The part that the liquidations' own fees are.", True),
        TableColumn("uncovered", "of receivables", "The part that the liquidations' own fees are.", True),
    )
    source = ("attribution.liquidations", "attribution.negative_balances")
    return TableBlock("fees", "Liquidation fees that nobody could pay", columns, tuple(rows), source, 2)


def receivables(facts: Facts) -> TableBlock:
    names = ("opening_debt", "new_debt", "recovered", "closing_debt")
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        mine = rows_where(facts.rows.rows(attribution.RECEIVABLES_DAILY), **facts.same(day, currency))
        rows.append(
            (
                day,
                currency,
                count_accounts(mine),
                *(facts.amount(sum_column(mine, name), currency) for name in names),
            )
        )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("accounts", "accounts", "", True),
        TableColumn("opening_debt", "opening", "", True),
        TableColumn("new_debt", "+ new", "", True),
        TableColumn("recovered", "− recovered", "", True),
        TableColumn("closing_debt", "= closing", "", True),
    )
    source = ("attribution.receivables_daily",)
    return TableBlock(
        "receivables", "Receivables: debts that protection does not cover", columns, tuple(rows), source, 2
    )
