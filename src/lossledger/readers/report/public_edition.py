"""The public edition: totals only, without cells that disclose a few accounts directly or through a sum."""

from collections.abc import Sequence
from datetime import date

from lossledger.engine.figures import exact
from lossledger.readers.charts import loss_charts as charts
from lossledger.readers.document.model import Block, Drawing, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Hidden, cell_text, cell_unit
from lossledger.readers.published_rows import rows_where
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.public_totals import ALL, PAID, PublicTotals, classes, totals
from lossledger.readers.report.sections import (
    changes_since,
    data_quality,
    deficit_causes,
    definitions,
    reconciliation_checks,
    report_header,
    taken_over,
)
from lossledger.readers.report.sections.result_summary import origin
from lossledger.schemas import attribution

_LOSSES = ("attribution.session_losses",)
_BARS = 31  # a chart of more sessions than a month has is none
_TITLES = {
    "deficit": "covered deficit",
    "fund_draw": "= fund draw",
    "socialised": "+ charged",
    "uncovered": "+ uncovered",
    "unprotected_deficit": "receivables",
    "adl_loss": "ADL, in kind",
}


def public_sections(facts: Facts) -> tuple[Section, ...]:
    made = totals(facts)
    return (
        _result(facts, made),
        Section("Header, policy and versions", report_header.header(facts).blocks, "header", "A"),
        Section("The fund", [_fund(facts, made)], "fund", "B"),
        Section("Who paid", [_waterfall(facts, made), *_paid(facts, made)], "waterfall", "F"),
        Section("By client class", [_classes(facts, made)], "sharing", "G"),
        _causes(facts, made),
        Section("Reconciliations", reconciliation_checks.reconciliations(facts).blocks[:2], "checks", "J"),
        Section("Data quality", data_quality.quality(facts).blocks[:1], "quality", "K"),
        _restated(facts),
        Section("Other sharing rules", [_rules(facts, made)], "rules"),
        Section("Definitions", definitions.definitions(facts).blocks[:1], "definitions"),
    )


def _result(facts: Facts, made: PublicTotals) -> Section:
    blocks: list[Block] = [Paragraph(origin(facts), strong=True)]
    if facts.missing:
        days = ", ".join(day.isoformat() for day in facts.missing)
        blocks.append(
            Paragraph(f"Not published, and missing in every figure of this report: {days}.", strong=True)
        )
    for currency in facts.currencies:
        deficit, draw, charged, uncovered, debts, adl = (
            _amount_text(made.cell(m, ALL, currency)) for m in PAID
        )
        blocks.append(
            Paragraph(
                f"{currency}: deficits of protected clients: {deficit}; paid by the insurance fund: {draw}; charged to "
                f"accounts: {charged}; uncovered: {uncovered}. Deficits without cover, which are debts of the "
                f"accounts: {debts}. Auto-deleveraging, at the mark: {adl}."
            )
        )
    blocks.append(Paragraph(_explain_suppression(facts)))
    return Section("Result", blocks, "result")


def _explain_suppression(facts: Facts) -> str:
    few, share = facts.small_cell, facts.dominance_share
    sentences = [f'"< {few} accounts": a total of 1 to {few - 1} accounts. '] if few > 1 else []
    sentences.append('"held back": a total of more accounts from which another one could be computed')
    if share:
        sentences.append(
            f", or of which the part of all but its two largest accounts is less than {exact(share * 100)}% of "
        )
        sentences.append("the largest one's")
    return "".join(sentences) + "."


def _restated(facts: Facts) -> Section:
    """Restated dates without figures: the difference of two totals may be one account's amount."""
    blocks: list[Block] = [Paragraph(changes_since.describe_changes(facts, listed=False))]
    if facts.request.previous:
        blocks.append(changes_since.list_restated_dates(facts, with_causes=False))
    return Section("Restatements", blocks, "restatements", "M")


def _amount_text(cell: Cell) -> str:
    return cell_text(cell) if isinstance(cell, Hidden) else f"{cell_text(cell)} {cell_unit(cell)}"


def _waterfall(facts: Facts, made: PublicTotals) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        days: list[date | str] = [*facts.days, ALL]
        for day in days:
            rows.append((str(day), currency, *(made.cell(measure, day, currency) for measure in PAID)))
    columns = (
        TableColumn("business_date", "session", "`all`: the sessions together."),
        TableColumn("currency", "currency"),
        *(TableColumn(measure, _TITLES[measure], "", True) for measure in PAID),
    )
    return TableBlock("waterfall", "The waterfall, day by day", columns, tuple(rows), _LOSSES, 2)


def _paid(facts: Facts, made: PublicTotals) -> list[Block]:
    """Charts of currencies without any suppressed bar."""
    blocks: list[Block] = []
    for currency in facts.currencies:
        names = [(m, str(day), currency) for day in facts.days for m in PAID[:4]]
        if any(name in made.hidden for name in names) or not any(made.amounts[name] for name in names):
            continue
        bars: list[tuple[str, int, int, int]] = []
        for day in facts.days:
            fund, charged, uncovered = (made.amounts[measure, str(day), currency] for measure in PAID[1:4])
            bars.append((str(day), fund, charged, uncovered))
        if len(bars) <= _BARS:
            blocks.append(_drawing(currency, bars))
    return blocks


def _drawing(currency: str, bars: Sequence[tuple[str, int, int, int]]) -> Drawing:
    title, words = (
        f"Who paid for the covered deficits, {currency}",
        "What the fund paid, what accounts paid, and nobody.",
    )
    return Drawing(f"paid_{currency}", title, words, lambda width: charts.paid(currency, bars, width))


def _fund(facts: Facts, made: PublicTotals) -> TableBlock:
    taken = taken_over.has_takeover(facts)
    lots = {"takeover_gains": "+ gains of lots", "takeover_funding": "+ funding of lots"} if taken else {}
    names = ("opening", "external", "liquidation_fees", "surplus", *lots, "fund_draw", "closing")
    rows = tuple(
        (day, currency, *(made.cell(name, day, currency) for name in names))
        for currency in facts.currencies
        for day in facts.days
    )
    titles = (
        *("opening", "+ external", "+ liquidation fees", "+ surplus", *lots.values(), "− draws", "= closing"),
    )
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        *(TableColumn(name, title, "", True) for name, title in zip(names, titles, strict=True)),
    )
    return TableBlock(
        "fund_daily", "The fund, day by day", columns, rows, ("attribution.insurance_fund_daily",), 2
    )


def _classes(facts: Facts, made: PublicTotals) -> TableBlock:
    measures = ("deficit", "unprotected_deficit", "socialised")
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        for name in classes(facts, currency):
            cells = [made.cell(measure, name, currency) for m in measures for measure in (m, f"{m}_accounts")]
            rows.append((currency, name, *cells))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("client_class", "client class"),
        TableColumn("deficit", "covered deficits", "", True),
        TableColumn("deficit_accounts", "accounts", "", True),
        TableColumn("unprotected_deficit", "receivables", "", True),
        TableColumn("unprotected_deficit_accounts", "accounts", "", True),
        TableColumn("socialised", "charged", "", True),
        TableColumn("socialised_accounts", "accounts", "", True),
    )
    source = ("attribution.negative_balances", "attribution.socialised_losses")
    return TableBlock("classes", "Who fell below zero, and who was charged", columns, tuple(rows), source, 2)


def _causes(facts: Facts, made: PublicTotals) -> Section:
    """Where the deficits that causes add up to are held back, so are all of these."""
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        for _, words, column in deficit_causes.KINDS:
            for name, meaning in deficit_causes.WORDS.items():
                if (f"cause_{name}", words, currency) in made.amounts:
                    cell = made.cell(f"cause_{name}", words, currency)
                    if (column, ALL, currency) in made.hidden and not isinstance(cell, Hidden):
                        cell = Hidden()
                    rows.append((currency, words, meaning, name, cell))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("kind", "deficits"),
        TableColumn("words", "cause"),
        TableColumn("component", "name in the tables"),
        TableColumn("amount", "amount", "Positive enlarges the deficit.", True),
    )
    title, source = "Causes, covered and not covered apart", ("attribution.loss_components",)
    table = TableBlock("causes", title, columns, tuple(rows), source, 4)
    return Section("Why balances fell below zero", [table], "causes", "H")


def _rules(facts: Facts, made: PublicTotals) -> TableBlock:
    parts = ("rule_charged", "rule_to_fund", "rule_uncovered", "rule_payers")
    rows = tuple(
        (row["business_date"], row["currency"], row["rule"],
         *(made.cell(part, f"{row['business_date']} {row['rule']}", row["currency"]) for part in parts))
        for currency in facts.currencies
        for row in rows_where(facts.rows.rows(attribution.RULE_TOTALS), currency=currency)
    )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("rule", "rule"),
        TableColumn("charged", "charged", "", True),
        TableColumn("to_fund", "to the fund", "", True),
        TableColumn("uncovered", "uncovered", "", True),
        TableColumn("payers", "payers", "", True),
    )
    return TableBlock(
        "rules", "The same shortfalls under other rules", columns, rows, ("attribution.rule_totals",), 3
    )
