"""B: the fund's resources and their use, per day."""

from lossledger.readers.charts import fund_chart as charts
from lossledger.readers.document.model import (
    Block,
    Drawing,
    Figure,
    Figures,
    Paragraph,
    Section,
    TableBlock,
    TableColumn,
)
from lossledger.readers.document.values import Cell, Missing
from lossledger.readers.published_rows import rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections import taken_over
from lossledger.schemas import attribution

_DAILY = ("attribution.insurance_fund_daily",)
_LEDGER = ("attribution.insurance_fund_ledger",)
_FLOWS = ("opening", "external", "liquidation_fees", "surplus")
_TAKEN_OVER = ("takeover_gains", "takeover_funding")  # shown where something was taken over
_REST = ("draws", "closing", "lowest")
COLUMNS = (
    TableColumn("business_date", "session"),
    TableColumn("currency", "currency"),
    TableColumn("opening", "opening", "Balance at the start; 0 on the first date of a warehouse.", True),
    TableColumn("external", "+ external", "What the venue put in or took out, openings included.", True),
    TableColumn(
        "liquidation_fees", "+ liquidation fees", "Fees of liquidation fills that go to the fund.", True
    ),
    TableColumn("surplus", "+ surplus", "Forfeited residuals of liquidated accounts.", True),
    TableColumn("takeover_gains", "+ gains of lots", "Of positions that were taken over.", True),
    TableColumn("takeover_funding", "+ funding of lots", "Received on them; negative when paid.", True),
    TableColumn("draws", "+ draws", "Paid for covered deficits, not above 0.", True),
    TableColumn("closing", "= closing", "Balance at the end.", True),
    TableColumn("lowest", "lowest", "The least balance in the session.", True),
    TableColumn("check", "check", "All that comes before, less the closing: 0.", True),
)


def fund(facts: Facts) -> Section:
    blocks: list[Block] = [
        Paragraph(
            "Opening balance, plus what the venue put in, plus fees of liquidations and forfeited surplus, less what "
            "was paid for deficits, is the closing balance. A draw is never partly recovered: a debt that is paid "
            "back is in the receivables."
        )
    ]
    blocks += [figures for currency in facts.currencies if (figures := _figures(facts, currency))]
    blocks += [_daily(facts), *taken_over.fund_result(facts), *taken_over.inventory(facts), _external(facts)]
    for currency in facts.currencies:
        blocks += _drawings(facts, currency)
    blocks.append(_unknown())
    return Section("Resources and their use", blocks, "fund", "B")


def _figures(facts: Facts, currency: str) -> Figures:
    daily = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), currency=currency)
    zero = sum(row["lowest"] <= 0 for row in daily)

    def figure(name: str, title: str, value: Cell, definition: str) -> Figure:
        return Figure(f"fund.{name}.{currency}", title, value, definition, _DAILY)

    return Figures(
        (
            figure("opening", f"Opening, {currency}", facts.amount(daily[0]["opening"], currency),
                   "Balance at the start of the first session."),
            figure("draws", f"Draws, {currency}", facts.amount(sum_column(daily, "draws"), currency),
                   "Paid for covered deficits, not above 0."),
            figure("closing", f"Closing, {currency}", facts.amount(daily[-1]["closing"], currency),
                   "Balance at the end of the last session."),
            figure("lowest", f"Lowest, {currency}", facts.amount(min(r["lowest"] for r in daily), currency),
                   "The least balance of the period."),
            figure("highest", f"Highest, {currency}", facts.amount(_highest(facts, currency), currency),
                   "The largest balance of the period."),
            figure("days_at_zero", f"Sessions at zero, {currency}", zero,
                   "Sessions in which the balance was at or below 0 at some time."),
        )
    )  # fmt: skip


def _highest(facts: Facts, currency: str) -> int:
    daily = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), currency=currency)
    moves = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_LEDGER), currency=currency)
    return max([row["opening"] for row in daily] + [row["balance"] for row in moves])


def _daily(facts: Facts) -> TableBlock:
    rows = []
    left_out = () if taken_over.has_takeover(facts) else _TAKEN_OVER
    names = [name for name in (*_FLOWS, *_TAKEN_OVER, *_REST) if name not in left_out]
    columns = tuple(column for column in COLUMNS if column.name not in left_out)
    for row in facts.rows.rows(attribution.INSURANCE_FUND_DAILY):
        currency = row["currency"]
        if currency in facts.currencies:
            amounts = [facts.amount(row[name], currency) for name in names]
            check = sum(row[name] for name in (*_FLOWS, *_TAKEN_OVER, "draws")) - row["closing"]
            rows.append((row["business_date"], currency, *amounts, facts.amount(check, currency)))
    return TableBlock("fund_daily", "The fund, day by day", columns, tuple(rows), _DAILY, key=2)


def _external(facts: Facts) -> TableBlock:
    kinds = ("opening", "injection", "withdrawal", "other")
    rows = tuple(
        (row["business_date"], row["currency"], row["seq"], row["kind"],
         facts.amount(row["amount"], row["currency"]), row["ref"])
        for row in facts.rows.rows(attribution.INSURANCE_FUND_LEDGER)
        if row["kind"] in kinds and row["currency"] in facts.currencies
    )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("seq", "movement", "Place in the fund's ledger of the session.", True),
        TableColumn("kind", "kind"),
        TableColumn("amount", "amount", "Positive into the fund.", True),
        TableColumn("ref", "movement id"),
    )
    note = (
        "Whether an injection is own capital, and of which tranche, the deliveries do not say: not available."
    )
    return TableBlock(
        "fund_external", "Put in and taken out by the venue", columns, rows, _LEDGER, 3, note, 40
    )


def _drawings(facts: Facts, currency: str) -> list[Block]:
    ledger = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_LEDGER), currency=currency)
    ledger = sorted(ledger, key=lambda row: (row["business_date"], row["seq"]))
    if not ledger:
        return []
    daily = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), currency=currency)
    short = [
        e["ts"]
        for e in rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
        if e["shortfall"]
    ]
    days = facts.rows.days
    start, end = days[0].start, days[-1].end
    points = [(start, daily[0]["opening"]), *((row["ts"], row["balance"]) for row in ledger)]
    points.append((end, daily[-1]["closing"]))
    draws = [row["ts"] for row in ledger if row["kind"] == "draw"]
    series = charts.Balance(currency, points, draws, min(short) if short else None)
    words = f"Balance of the insurance fund in {currency} over the period, as steps."
    words += (
        " The first event that it could not pay in full is marked." if short else " It paid every deficit."
    )
    blocks: list[Block] = [
        Drawing(f"fund_balance_{currency}", f"Balance of the fund, {currency}", words,
                lambda width: charts.balance(series, width))
    ]  # fmt: skip
    if draws and charts.is_crowded(series):
        title = f"The same while the fund paid, {currency}"
        definition = "The stretch of time in which most draws were made, drawn large."
        blocks.append(
            Drawing(
                f"fund_zoom_{currency}",
                title,
                definition,
                lambda width: charts.balance(charts.zoom_in(series), width),
            )
        )
    return blocks


def _unknown() -> TableBlock:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (what, Missing(why))
        for what, why in (
            ("Composition of the fund by asset and haircut", "each fund is one amount of one currency"),
            ("Committed resources beyond the fund", "no delivery has them"),
            ("Other prefunded resources", "no delivery has them"),
            ("Revaluation", "balances are in the currency of the fund"),
        )
    )
    columns = (TableColumn("what", "what"), TableColumn("value", "value"))
    return TableBlock("fund_unknown", "What the data cannot tell of the fund", columns, rows, _DAILY)
