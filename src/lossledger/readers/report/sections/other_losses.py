"""Losses beside the waterfall: deleveraging in kind, fees that nobody could pay, debts of accounts without cover."""

from lossledger.readers.published_rows import count_accounts, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.model import Cell, Column, Missing, Table, Time
from lossledger.readers.session_figures import fees_below_zero
from lossledger.schemas import attribution


def adl_daily(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, losses in facts.sessions():
        mine = rows_where(facts.rows.rows(attribution.ADL_LOSSES), **facts.same(day, currency))
        unmarked = sum(row["mark_price"] is None for row in mine)
        rows.append(
            (day, currency, len(mine), count_accounts(mine), facts.amount(losses["adl_loss"], currency), unmarked,
             Missing("the venue's ranking is not delivered"))
        )  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("fills", "fills", "", True),
        Column("accounts", "accounts", "Deleveraged ones.", True),
        Column("amount", "lost in kind", "Against the mark then in force, fees excluded.", True),
        Column("unmarked", "without a mark", "Fills at a time at which there was no mark.", True),
        Column("order", "taken out of order"),
    )
    title, source = "Auto-deleveraging, day by day", ("attribution.adl_losses", "attribution.session_losses")
    return Table("adl_daily", title, columns, tuple(rows), source, 2)


def adl(facts: Facts) -> Table:
    rows = tuple(
        (row["fill_id"], Time(row["ts"]), row["account_id"], row["currency"], row["instrument_id"], row["side"],
         facts.amount(row["amount"], row["currency"]), row["against_account_id"] or "several or none")
        for row in sorted(
            facts.rows.rows(attribution.ADL_LOSSES), key=lambda r: (r["currency"], -r["amount"], r["fill_id"])
        )
    )  # fmt: skip
    columns = (
        Column("fill_id", "fill"),
        Column("ts", "time, UTC"),
        Column("account_id", "account"),
        Column("currency", "currency"),
        Column("instrument_id", "instrument"),
        Column("side", "side"),
        Column("amount", "lost", "Against the mark then in force, fee excluded.", True),
        Column("against", "relieved account"),
    )
    note = "The order in which the venue chose whom to deleverage is not in the data: not available."
    return Table("adl", "Auto-deleveraging, the largest losses first", columns, rows,
                 ("attribution.adl_losses",), 1, note, 20)  # fmt: skip


def fees(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for day in facts.rows.days:
        for currency in facts.currencies:
            covered, uncovered = fees_below_zero(facts.rows, day, currency)
            rows.append(
                (day.day, currency, facts.amount(covered, currency), facts.amount(uncovered, currency))
            )
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("covered", "of covered deficits", "The part that the liquidations' own fees are.", True),
        Column("uncovered", "of receivables", "The part that the liquidations' own fees are.", True),
    )
    source = ("attribution.liquidations", "attribution.negative_balances")
    return Table("fees", "Liquidation fees that nobody could pay", columns, tuple(rows), source, 2)


def receivables(facts: Facts) -> Table:
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
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("accounts", "accounts", "", True),
        Column("opening_debt", "opening", "", True),
        Column("new_debt", "+ new", "", True),
        Column("recovered", "− recovered", "", True),
        Column("closing_debt", "= closing", "", True),
    )
    source = ("attribution.receivables_daily",)
    return Table(
        "receivables", "Receivables: debts that protection does not cover", columns, tuple(rows), source, 2
    )
