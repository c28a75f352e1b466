"""The result in sentences, before anything else."""

from collections.abc import Iterator

from lossledger.readers.document.model import Block, Figure, Figures, Paragraph, Section
from lossledger.readers.document.values import cell_text, cell_unit
from lossledger.readers.published_rows import Row, count_accounts, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution
from lossledger.schemas.core import Table as Declared

_SOURCE = ("attribution.session_losses",)
_WATERFALL = (
    ("deficit", "Covered deficits", "How far protected clients fell below zero: what somebody had to pay."),
    ("fund_draw", "Paid by the insurance fund", "Draws for covered deficits, down to the fund's floor."),
    ("socialised", "Charged to clients", "The part of the shortfall that accounts were charged for."),
    ("uncovered", "Uncovered", "The part of the shortfall that nobody in this ledger paid."),
    (
        "unprotected_deficit",
        "Receivables",
        "Deficits that protection does not cover: debts of the accounts themselves.",
    ),
    (
        "adl_loss",
        "Auto-deleveraging, in kind",
        "What fills of kind adl cost against the mark, fees excluded.",
    ),
)

_ORIGINS = {
    "real": "The data are real: accounts, trades and prices are as the venue delivered them.",
    "generated": "The data are generated: accounts and trades are made up, nothing of it happened at any venue.",
}
_NOBODY_NAMED = "Which venue it is about: not available, nobody has named it. "
_NOBODY_SAID = "Whether the data are real or generated: not available, nobody has stated it."


def origin(facts: Facts) -> str:
    """Sentences on the venue and on whether the data are real, which no table states."""
    whom = f"This report is about {facts.request.venue}. " if facts.request.venue else _NOBODY_NAMED
    return whom + _ORIGINS.get(facts.request.data, _NOBODY_SAID)


def result(facts: Facts) -> Section:
    blocks: list[Block] = [Paragraph(origin(facts), strong=True)]
    if facts.missing:
        days = ", ".join(day.isoformat() for day in facts.missing)
        text = f"Not published, and missing in every figure of this report: {days}."
        blocks.append(Paragraph(text, strong=True))
    for currency in facts.currencies:
        figures = {figure.id: figure for figure in _figures(facts, currency)}
        blocks += [Paragraph(_sentences(facts, currency, figures)), Figures(tuple(figures.values()))]
    return Section("Result", blocks, "result")


def _figures(facts: Facts, currency: str) -> Iterator[Figure]:
    losses = rows_where(facts.rows.rows(attribution.SESSION_LOSSES), currency=currency)
    for column, title, definition in _WATERFALL:
        value = facts.amount(sum_column(losses, column), currency)
        yield Figure(f"total.{column}.{currency}", title, value, definition, _SOURCE)
    columns = ("fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
    cost = facts.amount(sum(sum_column(losses, column) for column in columns), currency)
    definition = "Fund, charges, uncovered, receivables and auto-deleveraging together."
    yield Figure(f"total.cost.{currency}", "What losses cost, together", cost, definition, _SOURCE)


def _sentences(facts: Facts, currency: str, figures: dict[str, Figure]) -> str:
    def text_of(column: str) -> str:
        value = figures[f"total.{column}.{currency}"].value
        return f"{cell_text(value)} {cell_unit(value)}"

    def rows(table: Declared) -> list[Row]:
        return rows_where(facts.rows.rows(table), currency=currency)

    events, charged = rows(attribution.NEGATIVE_BALANCES), rows(attribution.SOCIALISED_LOSSES)
    covered = rows_where(events, protected=True)
    return (
        f"{len(rows(attribution.LIQUIDATIONS)):,} liquidations ended in {currency}; {len(events):,} balances of "
        f"{count_accounts(events):,} accounts fell below zero, {len(covered):,} of them covered by negative balance "
        f"protection. The covered deficits were {text_of('deficit')}. The insurance fund paid {text_of('fund_draw')}, "
        f"{count_accounts(charged):,} accounts were charged {text_of('socialised')}, and {text_of('uncovered')} stayed "
        f"uncovered. "
        f"Deficits without cover, {text_of('unprotected_deficit')}, are debts of the accounts. Auto-deleveraging cost "
        f"{text_of('adl_loss')} at the mark. Together losses cost {text_of('cost')}."
    )
