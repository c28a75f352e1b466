"""H: why balances fell below zero, covered and not covered apart, so that the causes add up to the deficits shown."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from lossledger.readers.charts import loss_charts as charts
from lossledger.readers.document.model import Block, Drawing, Paragraph, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell
from lossledger.readers.published_rows import Row, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections.cause_breakdown import cut
from lossledger.schemas import attribution

WORDS = {
    "cushion": "maintenance margin at the trigger",
    "headroom": "equity above it when the venue acted",
    "gap_in_cushion": "the mark's jump from trigger to bankruptcy",
    "gap_past_bankruptcy": "the mark's jump past bankruptcy",
    "latency": "marks before the first liquidation fill",
    "market_move": "marks after the first liquidation fill",
    "execution": "liquidation fills off the mark",
    "adl": "fills taken over by deleveraged accounts",
    "takeover": "taken over by a liquidator, off the mark",
    "fees": "fees of all fills",
    "funding": "funding paid or received",
    "account_trading": "the account's own fills",
    "other_flows": "transfers and charges",
}
KINDS = ((True, "covered", "deficit"), (False, "not covered", "unprotected_deficit"))
_UNIT = ("business_date", "account_id", "currency", "isolation")
_SOURCE = ("attribution.loss_components", "attribution.liquidations", "attribution.negative_balances")


def causes(facts: Facts) -> Section:
    blocks: list[Block] = [
        Paragraph(
            "Every change of equity from the trigger to the end of a liquidation belongs to one cause; the causes of "
            "the episodes with a deficit add up exactly. They are valuations along the path that was taken: what a "
            "faster or better liquidation would have saved is a scenario. Positive amounts enlarge a deficit."
        )
    ]
    rows: list[tuple[Cell, ...]] = []
    bridge: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        for covered, words, column in KINDS:
            mine = episodes(facts, currency, covered)
            found = sums(facts, mine)
            rows += [
                (currency, words, WORDS[name], name, facts.amount(amount, currency))
                for name, amount in found.items()
            ]
            bridge.append(_bridge(facts, currency, covered, words, column, mine, sum(found.values())))
            if found:
                blocks.append(_drawing(currency, words, found))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("kind", "deficits", "Covered by protection, or debts of the accounts."),
        TableColumn("words", "cause"),
        TableColumn("component", "name in the tables"),
        TableColumn("amount", "amount", "Positive enlarges the deficit.", True),
    )
    table = TableBlock("causes", "Causes, covered and not covered apart", columns, tuple(rows), _SOURCE, 4)
    blocks += [table, _bridge_table(bridge), cut(facts)]
    return Section("Why balances fell below zero", blocks, "causes", "H")


def _at(row: Row, instant: str) -> tuple[Any, ...]:
    """The key shared by an episode and its event: the unit and the time."""
    return (*(row[name] for name in _UNIT), row[instant])


def episodes(facts: Facts, currency: str, covered: bool) -> list[Row]:
    """Episodes with a deficit. If all of it is earlier debt there is no event, and it counts as not covered."""
    events = {
        _at(e, "ts"): e for e in rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
    }
    found = []
    for episode in rows_where(facts.rows.rows(attribution.LIQUIDATIONS), currency=currency):
        event = events.get(_at(episode, "ended_at"))
        if episode["deficit"] > 0 and (event is not None and event["protected"]) == covered:
            found.append(episode)
    return found


def sums(facts: Facts, episodes: list[Row]) -> dict[str, int]:
    known = {(row["business_date"], row["episode_id"]) for row in episodes}
    found: defaultdict[str, int] = defaultdict(int)
    for row in facts.rows.rows(attribution.LOSS_COMPONENTS_TABLE):
        if (row["business_date"], row["episode_id"]) in known:
            found[row["component"]] += row["amount"]
    return {name: found[name] for name in WORDS if found[name]}


def _bridge(
    facts: Facts, currency: str, covered: bool, words: str, column: str, mine: list[Row], whole: int
) -> tuple[Cell, ...]:
    """From the causes to the sessions' deficits: less debt from before, plus losses without such a liquidation."""
    ends = {_at(row, "ended_at") for row in mine}
    events = rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency, protected=covered)
    within = sum(event["deficit"] for event in events if _at(event, "ts") in ends)
    others = sum(event["deficit"] for event in events if _at(event, "ts") not in ends)
    before = sum_column(mine, "deficit") - within
    stated = sum_column(rows_where(facts.rows.rows(attribution.SESSION_LOSSES), currency=currency), column)
    amounts = (whole, -before, others, stated, whole - before + others - stated)
    return (currency, words, len(mine), *(facts.amount(amount, currency) for amount in amounts))


def _bridge_table(rows: list[tuple[Cell, ...]]) -> TableBlock:
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("kind", "deficits"),
        TableColumn("episodes", "episodes", "With a deficit.", True),
        TableColumn("causes", "sum of the causes", "", True),
        TableColumn("before", "owed from before", "Debt that the accounts had already.", True),
        TableColumn(
            "others",
            "without a liquidation",
            "Below zero by the account's own trades or a withdrawal.",
            True,
        ),
        TableColumn(
            "stated", "deficits of the sessions", "As in the waterfall, or the new receivables.", True
        ),
        TableColumn("check", "check", "The sum less the sessions' deficits: 0.", True),
    )
    title = "The causes add up to the deficits"
    return TableBlock(
        "causes_bridge", title, columns, tuple(rows), (*_SOURCE, "attribution.session_losses"), 2
    )


def _drawing(currency: str, words: str, amounts: Mapping[str, int]) -> Drawing:
    found = [charts.Cause(name, WORDS[name], amount) for name, amount in amounts.items()]
    found.sort(key=lambda cause: (-cause.amount, cause.name))
    caption = "To the right what made the deficits larger, to the left what made them smaller."
    identity = f"causes_{currency}_{words.replace(' ', '_')}"
    return Drawing(
        identity, f"Causes, {words}, {currency}", caption, lambda width: charts.causes(currency, found, width)
    )
