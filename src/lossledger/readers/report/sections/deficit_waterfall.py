"""F: the waterfall by day with its check, and the total cost of losses."""

from lossledger.readers.charts import loss_charts as charts
from lossledger.readers.document.model import Block, Drawing, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Missing
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections import taken_over

_LOSSES = ("attribution.session_losses",)
_BARS = 31  # of a chart: sessions of a month


def waterfall(facts: Facts) -> Section:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, row in facts.sessions():
        names = ("deficit", "fund_draw", "socialised", "uncovered")
        check = row["deficit"] - row["fund_draw"] - row["socialised"] - row["uncovered"]
        tranche = Missing("the venue's own tranche is not told from its other injections")
        amounts = [facts.amount(row[name], currency) for name in names]
        rows.append(
            (day, currency, *amounts, tranche, facts.amount(check, currency), row["method"], row["payers"])
        )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("deficit", "covered deficit", "What somebody had to pay.", True),
        TableColumn("fund_draw", "= fund draw", "Paid by the insurance fund.", True),
        TableColumn("socialised", "+ charged", "Charged to accounts.", True),
        TableColumn("uncovered", "+ uncovered", "Paid by nobody in this ledger.", True),
        TableColumn("tranche", "own tranche", "The venue's own capital at risk.", True),
        TableColumn("check", "check", "deficit − draw − charged − uncovered: 0.", True),
        TableColumn("method", "sharing"),
        TableColumn("payers", "payers", "Accounts with a charge.", True),
    )
    table = TableBlock("waterfall", "The waterfall, day by day", columns, tuple(rows), _LOSSES, 2)
    blocks: list[Block] = [
        Paragraph(
            "A covered deficit is paid by the insurance fund as far as it reaches; the rest is charged to accounts at "
            "the end of the session; what they cannot give is uncovered."
        ),
        table,
        *taken_over.losses(facts),
        _together(facts),
    ]
    for currency in facts.currencies:
        bars = [
            (str(day), row["fund_draw"], row["socialised"], row["uncovered"])
            for day, cur, row in facts.sessions()
            if cur == currency
        ]
        if any(any(bar[1:]) for bar in bars):
            blocks.append(_paid(currency, bars))
    return Section("Who paid", blocks, "waterfall", "F")


def _paid(currency: str, bars: list[tuple[str, int, int, int]]) -> Drawing:
    words = f"Covered deficits in {currency} by session: what the fund paid, what accounts paid, what nobody paid."
    if len(bars) > _BARS:
        largest = sorted(bars, key=lambda bar: (-sum(bar[1:]), bar[0]))[:_BARS]
        bars = sorted(bar for bar in largest if any(bar[1:]))
        words += " Sessions without any are left out, and of the others all but the largest."
    title = f"Who paid for the covered deficits, {currency}"
    return Drawing(f"paid_{currency}", title, words, lambda width: charts.paid(currency, bars, width))


def _together(facts: Facts) -> TableBlock:
    names = ("fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
    rows: list[tuple[Cell, ...]] = []
    for day, currency, row in facts.sessions():
        amounts = [facts.amount(row[name], currency) for name in names]
        rows.append((day, currency, *amounts, facts.amount(sum(row[name] for name in names), currency)))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("fund_draw", "fund", "Paid by the insurance fund.", True),
        TableColumn("socialised", "charges", "Charged to accounts.", True),
        TableColumn("uncovered", "uncovered", "Paid by nobody.", True),
        TableColumn("unprotected_deficit", "receivables", "New debts of accounts without cover.", True),
        TableColumn("adl_loss", "ADL, in kind", "Lost by deleveraged accounts at the mark.", True),
        TableColumn("cost", "together", "What losses cost.", True),
    )
    title = "What losses cost, all who bore them together"
    return TableBlock("cost", title, columns, tuple(rows), _LOSSES, 2)
