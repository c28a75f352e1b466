"""E and F: liquidations and events, and the waterfall of every day with its check."""

from collections.abc import Sequence
from typing import Any

from readers.charts import losses as charts
from readers.report.facts import Facts
from readers.report.model import Block, Cell, Column, Drawing, Missing, Paragraph, Section, Table, Time
from readers.rows import accounts, of, total
from schemas import attribution

_LOSSES = ("attribution.session_losses",)
_EPISODES = ("attribution.liquidations", "attribution.liquidation_positions")
_EVENTS = ("attribution.negative_balances",)
_BARS = 31  # of a chart: sessions of a month


def events(facts: Facts) -> Section:
    blocks: list[Block] = [_liquidations(facts), _by_class(facts), _largest(facts)]
    for currency in facts.currencies:
        found = of(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency, protected=True)
        if found:
            blocks.append(_growth(facts, currency, found))
    return Section("events", "E", "Liquidations and balances below zero", tuple(blocks))


def _liquidations(facts: Facts) -> Table:
    filled: dict[tuple[Any, str], int] = {}
    for row in facts.rows.rows(attribution.LIQUIDATION_POSITIONS):
        key = (row["business_date"], row["episode_id"])
        filled[key] = filled.get(key, 0) + row["filled_value"]
    rows: list[tuple[Cell, ...]] = []
    for day, currency, _ in facts.sessions():
        ended = of(facts.rows.rows(attribution.LIQUIDATIONS), **facts.same(day, currency))
        flat = [row for row in ended if row["end_reason"] != "recovered"]
        short = [row for row in ended if row["deficit"] > 0]
        notional = sum(filled.get((day, row["episode_id"]), 0) for row in ended)
        rows.append(
            (day, currency, len(ended), accounts(ended), len(flat), len(ended) - len(flat), len(short),
             facts.amount(notional, currency), facts.amount(total(ended, "maintenance_margin_at_trigger"), currency),
             facts.amount(total(ended, "deficit"), currency))
        )  # fmt: skip
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("liquidations", "liquidations", "Episodes that ended in the session.", True),
        Column("accounts", "accounts", "Different accounts.", True),
        Column("closed", "closed out", "Ended flat, by liquidation fills or by the account.", True),
        Column("recovered", "recovered", "Ended because margin sufficed again.", True),
        Column("with_deficit", "with a deficit", "Ended below zero.", True),
        Column("liquidated", "liquidated value", "Value of the liquidation fills.", True),
        Column("margin", "margin at trigger", "Sum of maintenance margins at the triggers.", True),
        Column("deficit", "deficit of episodes", "Debt from before included.", True),
    )
    return Table("liquidations", "Liquidations, day by day", columns, tuple(rows), _EPISODES, 2)


def _by_class(facts: Facts) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        mine = of(facts.rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
        for name in sorted({row["client_class"] for row in mine}):
            for covered in (True, False):
                found = of(mine, client_class=name, protected=covered)
                if found:
                    amounts = [
                        facts.amount(total(found, c), currency) for c in ("deficit", "fund_draw", "shortfall")
                    ]
                    settled = "covered" if covered else "receivable"
                    rows.append((currency, name, settled, len(found), accounts(found), *amounts))
    columns = (
        Column("currency", "currency"),
        Column("client_class", "client class", "At the event."),
        Column("settled", "settled as", "Covered deficits go to the waterfall, the others are debts."),
        Column("events", "events", "", True),
        Column("accounts", "accounts", "Different accounts.", True),
        Column("deficit", "deficit", "How far below zero, beyond earlier debt.", True),
        Column("fund_draw", "fund draw", "What the fund paid.", True),
        Column("shortfall", "shortfall", "What it could not pay: shared in the session.", True),
    )
    return Table("events_by_class", "Balances below zero by client class", columns, tuple(rows), _EVENTS, 3)


def _largest(facts: Facts) -> Table:
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
        Column("event_id", "event"),
        Column("ts", "time, UTC"),
        Column("account_id", "account"),
        Column("currency", "currency"),
        Column("isolation", "margin"),
        Column("client_class", "class"),
        Column("cause", "cause"),
        Column("settled", "settled as"),
        Column("deficit", "deficit", "", True),
        Column("fund_draw", "fund draw", "", True),
        Column("shortfall", "shortfall", "", True),
    )
    return Table("events", "Every balance below zero, the largest first", columns, rows, _EVENTS, 1, shown=20)


def _growth(facts: Facts, currency: str, found: Sequence[Any]) -> Drawing:
    series = charts.Growth(
        currency,
        [(row["ts"], row["deficit"], row["shortfall"]) for row in sorted(found, key=lambda row: row["ts"])],
    )
    words = f"Covered deficits in {currency}, added up, in the stretch of time in which most of them arose."
    title = f"How the covered deficits grew, {currency}"
    return Drawing(f"growth_{currency}", title, words, lambda width: charts.growth(series, width))


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
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("deficit", "covered deficit", "What somebody had to pay.", True),
        Column("fund_draw", "= fund draw", "Paid by the insurance fund.", True),
        Column("socialised", "+ charged", "Charged to accounts.", True),
        Column("uncovered", "+ uncovered", "Paid by nobody in this ledger.", True),
        Column("tranche", "own tranche", "The venue's own capital at risk.", True),
        Column("check", "check", "deficit − draw − charged − uncovered: 0.", True),
        Column("method", "sharing"),
        Column("payers", "payers", "Accounts with a charge.", True),
    )
    table = Table("waterfall", "The waterfall, day by day", columns, tuple(rows), _LOSSES, 2)
    blocks: list[Block] = [
        Paragraph(
            "A covered deficit is paid by the insurance fund as far as it reaches; the rest is charged to accounts at "
            "the end of the session; what they cannot give is uncovered."
        ),
        table,
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
    return Section("waterfall", "F", "Who paid", tuple(blocks))


def _paid(currency: str, bars: list[tuple[str, int, int, int]]) -> Drawing:
    words = f"Covered deficits in {currency} by session: what the fund paid, what accounts paid, what nobody paid."
    if len(bars) > _BARS:
        largest = sorted(bars, key=lambda bar: (-sum(bar[1:]), bar[0]))[:_BARS]
        bars = sorted(bar for bar in largest if any(bar[1:]))
        words += " Sessions without any are left out, and of the others all but the largest."
    title = f"Who paid for the covered deficits, {currency}"
    return Drawing(f"paid_{currency}", title, words, lambda width: charts.paid(currency, bars, width))


def _together(facts: Facts) -> Table:
    names = ("fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
    rows: list[tuple[Cell, ...]] = []
    for day, currency, row in facts.sessions():
        amounts = [facts.amount(row[name], currency) for name in names]
        rows.append((day, currency, *amounts, facts.amount(sum(row[name] for name in names), currency)))
    columns = (
        Column("business_date", "session"),
        Column("currency", "currency"),
        Column("fund_draw", "fund", "Paid by the insurance fund.", True),
        Column("socialised", "charges", "Charged to accounts.", True),
        Column("uncovered", "uncovered", "Paid by nobody.", True),
        Column("unprotected_deficit", "receivables", "New debts of accounts without cover.", True),
        Column("adl_loss", "ADL, in kind", "Lost by deleveraged accounts at the mark.", True),
        Column("cost", "together", "What losses cost.", True),
    )
    title = "What losses cost, all who bore them together"
    return Table("cost", title, columns, tuple(rows), _LOSSES, 2)
