"""The page's comparison: the same losses shared under other rules."""

from collections.abc import Sequence

from engine.figures import exact, percent
from readers.page.charts import Bar, bar_chart, legend, stacked
from readers.page.data import PublishedRows, Row, largest, of, total
from readers.page.html import Cell, heading, paragraph, section, table
from schemas import attribution

_NEXT = 9
_CONCENTRATION = (
    ("out", "the account that pays most"),
    ("in", f"the next {_NEXT}"),
    ("pale", "all other payers"),
    ("none", "uncovered"),
)


def rule_comparison(rows: PublishedRows) -> str:
    totals = rows.rows(attribution.RULE_TOTALS)
    if not totals:
        text = "The fund paid every covered deficit: there was nothing to share under any rule."
        return section("rules", "Who would pay under other rules", paragraph(text))
    parts = [
        paragraph(
            "The same shortfalls shared once more under every rule. Nothing of it is booked: it is a first-order "
            "comparison on the balances of the rule that was in force. Each bar is one rule's charges, from the "
            "account that pays most to the many that pay little."
        ),
        legend(_CONCENTRATION),
    ]
    for day in rows.days:
        for currency in rows.currencies():
            compared = of(totals, business_date=day.day, currency=currency)
            if compared:
                compared.sort(key=lambda row: attribution.COMPARED_RULES.index(row["rule"]))
                shortfall = exact(compared[0]["shortfall"], rows.scales()[currency])
                parts.append(heading(f"{currency}, {day.day}: shortfall {shortfall}"))
                parts += _rules(rows, compared, currency)
    return section("rules", "Who would pay under other rules", *parts)


def _rules(rows: PublishedRows, compared: Sequence[Row], currency: str) -> list[str]:
    scale = rows.scales()[currency]
    house = {row["account_id"] for row in rows.reference("accounts") if row["account_type"] == "house"}
    bars: list[Bar] = []
    lines: list[list[Cell]] = []
    for row in compared:
        same = {name: row[name] for name in ("business_date", "rule", "currency")}
        charges = of(rows.rows(attribution.RULE_COMPARISON), **same)
        order = largest(charges, "charge", len(charges), "account_id")
        first, following = total(order[:1], "charge"), total(order[1 : 1 + _NEXT], "charge")
        amounts = (first, following, row["charged"] - first - following, row["uncovered"])
        kinds = [kind for kind, _ in _CONCENTRATION]
        note = f"{row['payers']:,} payers"
        bars.append(
            stacked(row["rule"], list(zip(amounts, kinds, strict=True)), exact(row["charged"], scale), note)
        )
        most = order[0]["account_id"] if order else ""
        by_house = sum(charge["charge"] for charge in charges if charge["account_id"] in house)
        lines.append(
            [
                row["rule"],
                *(exact(row[name], scale) for name in ("charged", "to_fund", "uncovered")),
                f"{row['payers']:,}",
                most,
                exact(first, scale),
                percent(first, row["charged"]),
                exact(by_house, scale),
            ]
        )
    head = ("rule", "#charged", "#to fund", "#uncovered", "#payers", "pays most", "#its charge", "#of all")
    return [f'<div class="wide">{bar_chart(bars, unit=currency)}</div>', table((*head, "#by house"), lines)]
