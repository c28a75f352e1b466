"""E: liquidations, by session and by contract, and every balance below zero."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from lossledger.readers.charts import loss_charts as charts
from lossledger.readers.document.model import Block, Drawing, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Cell, Time
from lossledger.readers.published_rows import count_accounts, rows_where, sum_column
from lossledger.readers.report.facts import Facts
from lossledger.readers.report.sections import taken_over
from lossledger.schemas import attribution

_EPISODES = ("attribution.liquidations", "attribution.liquidation_positions")
_EVENTS = ("attribution.negative_balances",)


def events(facts: Facts) -> Section:
    blocks: list[Block] = [_liquidations(facts), _by_contract(facts), *taken_over.by_contract(facts)]
    blocks += [_by_class(facts), _largest(facts)]
    for currency in facts.currencies:
        found = rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency, protected=True)
        if found:
            blocks.append(_growth(facts, currency, found))
    return Section("Liquidations and balances below zero", blocks, "events", "E")


def _liquidations(facts: Facts) -> TableBlock:
    filled: dict[tuple[Any, str], int] = {}
    for row in facts.rows.rows(attribution.LIQUIDATION_POSITIONS):
        key = (row["business_date"], row["episode_id"])
        filled[key] = filled.get(key, 0) + row["filled_value"]
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        ended = rows_where(facts.rows.rows(attribution.LIQUIDATIONS), **facts.same(day, currency))
        flat = [row for row in ended if row["end_reason"] != "recovered"]
        short = [row for row in ended if row["deficit"] > 0]
        notional = sum(filled.get((day, row["episode_id"]), 0) for row in ended)
        rows.append(
            (day, currency, len(ended), _units(ended), count_accounts(ended), len(flat), len(ended) - len(flat),
             len(short), facts.amount(notional, currency),
             facts.amount(sum_column(ended, "maintenance_margin_at_trigger"), currency),
             facts.amount(sum_column(ended, "deficit"), currency))
        )  # fmt: skip
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("liquidations", "liquidations", "Episodes that ended in the session.", True),
        TableColumn("units", "risk units", "Different ones: cross margin, or an isolated position.", True),
        TableColumn("accounts", "accounts", "Different accounts.", True),
        TableColumn("closed", "closed out", "Ended flat, by liquidation fills or by the account.", True),
        TableColumn("recovered", "recovered", "Ended because margin sufficed again.", True),
        TableColumn("with_deficit", "with a deficit", "Ended below zero.", True),
        TableColumn("liquidated", "liquidated value", "Value of the liquidation fills.", True),
        TableColumn("margin", "margin at trigger", "Sum of maintenance margins at the triggers.", True),
        TableColumn("deficit", "deficit of episodes", "Debt from before included.", True),
    )
    return TableBlock("liquidations", "Liquidations, day by day", columns, tuple(rows), _EPISODES, 2)


def _units(rows: Sequence[Any]) -> int:
    return len({(row["account_id"], row["currency"], row["isolation"]) for row in rows})


def _by_contract(facts: Facts) -> TableBlock:
    """Liquidations by contract. An episode's loss by contract is in its causes, section H."""
    terms = {row["instrument_id"]: row for row in facts.rows.reference("instruments")}
    currency_of = {row["episode_id"]: row["currency"] for row in facts.rows.rows(attribution.LIQUIDATIONS)}
    groups: defaultdict[tuple[str, str, str], list[Any]] = defaultdict(list)
    for row in facts.rows.rows(attribution.LIQUIDATION_POSITIONS):
        instrument = row["instrument_id"]
        groups[currency_of[row["episode_id"]], terms[instrument]["kind"], instrument].append(row)
    rows: list[tuple[Cell, ...]] = []
    for (currency, kind, instrument), mine in sorted(groups.items()):
        amounts = (sum_column(mine, "maintenance_margin"), sum_column(mine, "filled_value"))
        cells = [facts.amount(amount, currency) for amount in amounts]
        count = len({row["episode_id"] for row in mine})
        rows.append((currency, kind, instrument, count, sum_column(mine, "liquidation_fills"), *cells))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("kind", "contract type"),
        TableColumn("instrument_id", "instrument"),
        TableColumn(
            "episodes",
            "liquidations",
            "That held it or traded it; one of several contracts is under each.",
            True,
        ),
        TableColumn("fills", "liquidation fills", "", True),
        TableColumn("margin", "margin at trigger", "Maintenance margin of these positions.", True),
        TableColumn("liquidated", "liquidated value", "Value of the liquidation fills.", True),
    )
    return TableBlock("contracts", "Liquidations by contract", columns, tuple(rows), _EPISODES, 3)


def _by_class(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        mine = rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
        for name in sorted({row["client_class"] for row in mine}):
            for covered in (True, False):
                found = rows_where(mine, client_class=name, protected=covered)
                if found:
                    amounts = [
                        facts.amount(sum_column(found, c), currency)
                        for c in ("deficit", "fund_draw", "shortfall")
                    ]
                    settled = "covered" if covered else "receivable"
                    rows.append((currency, name, settled, len(found), count_accounts(found), *amounts))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("client_class", "client class", "At the event."),
        TableColumn("settled", "settled as", "Covered deficits go to the waterfall, the others are debts."),
        TableColumn("events", "events", "", True),
        TableColumn("accounts", "accounts", "Different accounts.", True),
        TableColumn("deficit", "deficit", "How far below zero, beyond earlier debt.", True),
        TableColumn("fund_draw", "fund draw", "What the fund paid.", True),
        TableColumn("shortfall", "shortfall", "What it could not pay: shared in the session.", True),
    )
    return TableBlock(
        "events_by_class", "Balances below zero by client class", columns, tuple(rows), _EVENTS, 3
    )


def _largest(facts: Facts) -> TableBlock:
    rows = tuple(
        (row["event_id"], Time(row["ts"]), row["account_id"], row["currency"], row["isolation"] or "cross",
         row["client_class"], row["cause"], "covered" if row["protected"] else "receivable",
         *(facts.amount(row[name], row["currency"]) for name in ("deficit", "fund_draw", "shortfall")))
        for row in sorted(
            facts.rows.rows(attribution.NEGATIVE_BALANCES),
            key=lambda row: (row["currency"], -row["deficit"], row["event_id"]),
        )
    )  # fmt: skip
    columns = (
        TableColumn("event_id", "event"),
        TableColumn("ts", "time, UTC"),
        TableColumn("account_id", "account"),
        TableColumn("currency", "currency"),
        TableColumn("isolation", "margin"),
        TableColumn("client_class", "class"),
        TableColumn("cause", "cause"),
        TableColumn("settled", "settled as"),
        TableColumn("deficit", "deficit", "", True),
        TableColumn("fund_draw", "fund draw", "", True),
        TableColumn("shortfall", "shortfall", "", True),
    )
    return TableBlock(
        "events", "Every balance below zero, the largest first", columns, rows, _EVENTS, 1, shown=20
    )


def _growth(facts: Facts, currency: str, found: Sequence[Any]) -> Drawing:
    series = charts.Growth(
        currency,
        [(row["ts"], row["deficit"], row["shortfall"]) for row in sorted(found, key=lambda row: row["ts"])],
    )
    words = f"Covered deficits in {currency}, added up, in the stretch of time in which most of them arose."
    title = f"How the covered deficits grew, {currency}"
    return Drawing(f"growth_{currency}", title, words, lambda width: charts.growth(series, width))
