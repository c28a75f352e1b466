"""The page's evidence: other rules on the same losses, reconciliation, margins left, and what it was made from."""

import json
from collections import defaultdict
from collections.abc import Sequence

from engine.numbers import E18
from jobs.figures import exact, percent
from jobs.page_charts import Bar, bar_chart, legend, stacked
from jobs.page_data import PublishedRows, Row, broken, largest, of, total
from jobs.page_html import Cell, heading, paragraph, section, table
from jobs.page_margin import Distance, distances
from jobs.page_sections import LARGEST, clock
from schemas import attribution

_BREAKS = 200
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
            [row["rule"], *(exact(row[name], scale) for name in ("charged", "to_fund", "uncovered"))]
            + [f"{row['payers']:,}", most, exact(first, scale), percent(first, row["charged"])]
            + [exact(by_house, scale)]
        )
    head = ("rule", "#charged", "#to fund", "#uncovered", "#payers", "pays most", "#its charge", "#of all")
    return [f'<div class="wide">{bar_chart(bars, unit=currency)}</div>', table((*head, "#by house"), lines)]


def reconciliation(rows: PublishedRows) -> str:
    checks = rows.rows(attribution.RECONCILIATION)
    found = [row for row in checks if broken(row)]
    parts = [
        paragraph(
            "A check is evidence only when its two sides come from independent sources. The others hold by "
            "construction and are listed for completeness. A break is listed whatever its size."
        ),
        table(
            ("rule", "two sources", "#checks", "#within tolerance", "#breaks", "#not determinable"),
            _by_rule(checks),
        ),
    ]
    if found:
        parts += [heading("Breaks beyond tolerance"), _breaks(rows, found)]
    if len(found) > _BREAKS:
        parts.append(
            paragraph(f"{len(found) - _BREAKS:,} more breaks stand in the table attribution.reconciliation.")
        )
    return section("checks", "Reconciliation", *parts)


def _by_rule(checks: Sequence[Row]) -> list[list[Cell]]:
    groups: defaultdict[tuple[bool, str], list[Row]] = defaultdict(list)
    for row in checks:
        groups[not row["independent"], row["rule"]].append(row)
    lines: list[list[Cell]] = []
    for (derived, rule), group in sorted(groups.items()):
        breaks, unknown = sum(broken(row) for row in group), sum(row["break"] is None for row in group)
        kind = "bad" if breaks else ("" if derived else "good")
        lines.append(
            [rule, "by construction" if derived else "independent", f"{len(group):,}"]
            + [(f"{len(group) - breaks - unknown:,}", kind if not breaks else "")]
            + [(f"{breaks:,}", kind if breaks else ""), f"{unknown:,}"]
        )
    return lines


def _breaks(rows: PublishedRows, found: Sequence[Row]) -> str:
    """A statement that shows nothing where the book has a debt is told as such: the debt is published too."""
    debts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for row in rows.rows(attribution.RECEIVABLES_DAILY):
        debts[str(row["business_date"]), f"{row['account_id']}|{row['currency']}"] += row["closing_debt"]
    lines: list[list[Cell]] = []
    for row in found[:_BREAKS]:
        debt = debts.get((str(row["business_date"]), "|".join(row["key"].split("|")[:2])), 0)
        is_debt = row["rule"] == "venue_account_balance" and debt and row["break"] == -debt
        lines.append(
            [row["business_date"].isoformat(), row["rule"], row["key"]]
            + [exact(row["expected"]), exact(row["actual"]), (exact(row["break"]), "bad")]
            + [exact(row["tolerance"]), "equals the account's receivable" if is_debt else ""]
        )
    head = ("session", "rule", "key", "#expected", "#actual", "#break", "#tolerance", "")
    return table(head, lines)


def margins(rows: PublishedRows) -> str:
    known = distances(rows)
    if not known.nearest:
        return ""
    nearest = known.nearest[:LARGEST]
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


def made_from(rows: PublishedRows) -> str:
    """What proves which tables the page was made from."""
    head = ("date", "session, UTC", "published, UTC", "run", "hash of the output", "hash of the input")
    lines: list[list[Cell]] = [
        [day.day.isoformat(), f"{clock(day.start)} to {clock(day.end)}", clock(day.published_at), day.run_id]
        + [(day.output_sha256, "wrap"), (day.input_sha256, "wrap")]
        for day in rows.days
    ]
    versions = "".join(
        f"<p><code>{day.day}: {json.dumps(dict(day.table_versions), sort_keys=True)}</code></p>"
        for day in rows.days
    )
    reference = json.dumps(rows.reference_versions(), sort_keys=True)
    return section(
        "source",
        "What this page was made from",
        paragraph(
            "Every figure was read from the published tables at the versions below, exactly; rounded figures say "
            "so. The output hash is a SHA-256 over all rows published for the date. The same tables give the same "
            "page, byte for byte."
        ),
        table(head, lines),
        heading("Delta table versions"),
        versions,
        f"<p><code>reference: {reference}</code></p>",
    )
