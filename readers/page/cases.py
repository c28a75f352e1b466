"""The page's tables of single accounts: the largest cases, and who is nearest to liquidation."""

from collections.abc import Sequence

from engine.figures import clock, exact, percent
from engine.numbers import E18
from readers.page.data import PublishedRows, Row, largest, of, total
from readers.page.html import Cell, heading, paragraph, section, table
from readers.page.margin import Distance, distances
from schemas import attribution

_LARGEST = 10


def largest_cases(rows: PublishedRows) -> str:
    parts = []
    for currency in rows.currencies():
        scale = rows.scales()[currency]
        events = of(rows.rows(attribution.NEGATIVE_BALANCES), currency=currency)
        if events:
            parts += [heading(f"Largest negative balances in {currency}"), _negative(events, scale)]
        charged = of(rows.rows(attribution.SOCIALISED_LOSSES), currency=currency)
        if charged:
            parts += [heading(f"Largest socialised losses in {currency}"), _socialised(charged, scale)]
    return section("cases", "Largest cases", *parts) if parts else ""


def _negative(events: Sequence[Row], scale: int) -> str:
    lines = [
        [
            row["account_id"],
            *(exact(row[name], scale) for name in ("deficit", "fund_draw", "shortfall")),
            "covered" if row["protected"] else "receivable",
            clock(row["ts"]),
            row["isolation"] or "cross",
            row["client_class"],
            row["cause"],
        ]
        for row in largest(events, "deficit", _LARGEST, "business_date", "event_id")
    ]
    head = ("account", "#deficit", "#fund draw", "#shortfall", "settled as", "time, UTC", "margin")
    return table((*head, "class", "cause"), lines, f"{len(lines)} of {len(events):,}")


def _socialised(charged: Sequence[Row], scale: int) -> str:
    whole = total(charged, "charge")
    lines = [
        [
            row["account_id"],
            exact(row["charge"], scale),
            percent(row["charge"], whole),
            exact(row["basis"], scale),
            percent(row["charge"], row["basis"]),
            row["business_date"].isoformat(),
            row["client_class"],
            row["method"],
        ]
        for row in largest(charged, "charge", _LARGEST, "business_date", "account_id")
    ]
    head = ("account", "#charge", "#of all charges", "#basis", "#of basis", "session", "class", "method")
    return table(head, lines, f"{len(lines)} of {len(charged):,}; percentages rounded to a tenth")


def margins(rows: PublishedRows) -> str:
    known = distances(rows)
    if not known.nearest:
        return ""
    nearest = known.nearest[:_LARGEST]
    text = (
        f"Open positions of clients at the end of {rows.days[-1].day}, before the charges of that session, whose "
        "mark is nearest to the price at which maintenance margin is no longer met. Only risk units with a single "
        f"position: {len(known.nearest):,} positions; for {known.not_stated:,} others such a price cannot be "
        "stated alone. Prices are rounded to the decimals of the tick size, distances to a tenth of a percent."
    )
    head = ("account", "margin", "instrument", "side", "#quantity", "#mark", "#liquidation", "#bankruptcy")
    return section(
        "margins",
        "Nearest to liquidation",
        paragraph(text),
        table((*head, "#distance"), [_margin_line(d) for d in nearest]),
    )


def _margin_line(at: Distance) -> list[Cell]:
    row = at.position
    places = len(exact(at.tick_size).partition(".")[2])
    moved = percent(at.distance.numerator * E18 // at.distance.denominator, E18)
    return [
        row["account_id"],
        row["isolation"] or f"cross, {row['currency']}",
        row["instrument_id"],
        "long" if row["quantity"] > 0 else "short",
        exact(abs(row["quantity"])),
        exact(row["mark_price"], places),
        exact(at.liquidation, places),
        exact(at.bankruptcy, places) if at.bankruptcy is not None else "none",
        (moved, "bad") if at.distance < 0 else moved,
    ]
