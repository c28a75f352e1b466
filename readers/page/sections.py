"""The page's account of what happened: headline, insurance fund, who paid."""

from collections.abc import Sequence

from engine.clock import to_datetime
from engine.figures import exact
from engine.rules.breaks import is_counted
from readers.asides import asides
from readers.page.charts import Scale, bar_chart, bridge, legend, stacked, step_line
from readers.page.data import PublishedRows, Row, of, total
from readers.page.html import heading, paragraph, section, table, tile
from schemas import attribution

_BRIDGES = 7  # a chart per session up to a week; above it one for the range and a table
_BRIDGE = (
    ("opening", "opening", "level"),
    ("external", "external", "in"),
    ("liquidation fees", "liquidation_fees", "in"),
    ("surplus", "surplus", "in"),
    ("draws", "draws", "out"),
)
PAYERS = (("level", "insurance fund"), ("in", "charged to accounts"), ("none", "uncovered: paid by nobody"))


def headline(rows: PublishedRows) -> str:
    losses = rows.rows(attribution.SESSION_LOSSES)
    episodes, events = rows.rows(attribution.LIQUIDATIONS), rows.rows(attribution.NEGATIVE_BALANCES)
    charged, adl = rows.rows(attribution.SOCIALISED_LOSSES), rows.rows(attribution.ADL_LOSSES)
    covered = sum(row["protected"] for row in events)
    accounts = len({row["account_id"] for row in charged})
    checks = [row for row in rows.rows(attribution.RECONCILIATION) if row["independent"]]
    breaks = sum(is_counted(row) for row in checks)

    def sums(column: str) -> list[tuple[str, str]]:
        return [
            (exact(total(of(losses, currency=currency), column), rows.scales()[currency]), currency)
            for currency in rows.currencies()
        ]

    recovered = len(of(episodes, end_reason="recovered"))
    tiles = (
        tile(
            "Liquidation episodes", [(f"{len(episodes):,}", "")], f"{recovered:,} of them recovered", "level"
        ),
        tile(
            "Balances below zero", [(f"{len(events):,}", "")], f"{covered:,} covered by protection", "level"
        ),
        tile("Covered deficits", sums("deficit"), "what had to be paid by somebody", "level"),
        tile("Paid by the insurance fund", sums("fund_draw"), "draws, down to its floor", "level"),
        tile("Charged to accounts", sums("socialised"), f"socialised losses of {accounts:,} accounts", "in"),
        tile("Uncovered", sums("uncovered"), "paid by nobody in this ledger", "none"),
        tile(
            "Receivables",
            sums("unprotected_deficit"),
            "deficits without protection, outside the above",
            "out",
        ),
        tile(
            "Auto-deleveraging", sums("adl_loss"), f"lost in kind in {len(adl):,} fills, at the mark", "out"
        ),
        tile(
            "Independent checks",
            [(f"{len(checks):,}", "")],
            f"{breaks:,} breaks beyond tolerance, all listed",
            "bad" if breaks else "good",
        ),
    )
    return f'<div class="tiles">{"".join(tiles)}</div>\n'


def fund(rows: PublishedRows) -> str:
    """Bridges on one scale, so that dates compare, and the balance over time."""
    daily = rows.rows(attribution.INSURANCE_FUND_DAILY)
    parts = [
        paragraph(
            "Opening balance, plus money put in by the venue, plus fees of liquidations and forfeited surplus, "
            "less what was paid for deficits, is the closing balance."
        )
    ]
    for currency in rows.currencies():
        mine, scale = of(daily, currency=currency), rows.scales()[currency]
        titled = [(f"{currency}, {row['business_date']}", row) for row in mine]
        many = len(mine) > _BRIDGES
        if many:
            titled = [
                (f"{currency}, {mine[0]['business_date']} to {mine[-1]['business_date']}", _range(mine))
            ]
        parts += [_bridges(titled, currency, scale), _balance(rows, currency)]
        if many:
            names = [name for _, name, _ in _BRIDGE] + ["closing", "lowest"]
            lines = [
                [row["business_date"].isoformat(), *(exact(row[name], scale) for name in names)]
                for row in mine
            ]
            head = [f"#{label}" for label, _, _ in _BRIDGE]
            parts.append(table(("session", *head, "#closing", "#lowest"), lines))
    return section("fund", "Insurance fund", *parts)


def _range(daily: Sequence[Row]) -> Row:
    """Many sessions as one."""
    flows = {name: total(daily, name) for _, name, _ in _BRIDGE if name != "opening"}
    return {
        "opening": daily[0]["opening"],
        **flows,
        "closing": daily[-1]["closing"],
        "lowest": min(row["lowest"] for row in daily),
        "draw_count": total(daily, "draw_count"),
    }


def _bridges(titled: Sequence[tuple[str, Row]], currency: str, scale: int) -> str:
    bridges = [
        bridge([(label, row[name], kind) for label, name, kind in _BRIDGE], row["closing"], scale)
        for _, row in titled
    ]
    common = Scale.over([bar for bars in bridges for bar in bars])
    charts = ""
    for (title, row), bars in zip(titled, bridges, strict=True):
        said = f"Lowest balance {exact(row['lowest'], scale)}; {row['draw_count']:,} draws."
        charts += f"<div>{heading(title)}{bar_chart(bars, common, currency)}{paragraph(said, 'soft')}</div>"
    return f'<div class="pair">{charts}</div>'


def _balance(rows: PublishedRows, currency: str) -> str:
    movements = of(rows.rows(attribution.INSURANCE_FUND_LEDGER), currency=currency)
    if not movements:
        return ""
    movements = sorted(movements, key=lambda row: (row["business_date"], row["seq"]))
    start, end = rows.days[0].start, rows.days[-1].end
    opening = of(rows.rows(attribution.INSURANCE_FUND_DAILY), currency=currency)[0]["opening"]
    points = [(start, opening), *((row["ts"], row["balance"]) for row in movements)]
    marks = [f"{to_datetime(start + (end - start) * n // 4):%d %b %H:%M}" for n in range(5)]
    return heading(f"Balance of the fund in {currency}, UTC") + step_line(points, start, end, marks)


def who_paid(rows: PublishedRows) -> str:
    losses = rows.rows(attribution.SESSION_LOSSES)
    parts = [
        paragraph(
            "A covered deficit is paid by the insurance fund as far as it reaches; the rest is charged to "
            "accounts at the end of the session; what they cannot give is uncovered."
        ),
        legend(PAYERS),
    ]
    for currency in rows.currencies():
        mine, scale = of(losses, currency=currency), rows.scales()[currency]
        bars = [
            stacked(
                row["business_date"].isoformat(),
                [
                    (row[name], kind)
                    for name, (kind, _) in zip(("fund_draw", "socialised", "uncovered"), PAYERS, strict=True)
                ],
                exact(row["deficit"], scale),
            )
            for row in mine
        ]
        parts += [heading(f"{currency}: covered deficits by session"), bar_chart(bars, unit=currency)]
        names = ("deficit", "fund_draw", "socialised", "uncovered", "unprotected_deficit", "adl_loss")
        lines = [
            [
                row["business_date"].isoformat(),
                *(exact(row[name], scale) for name in names),
                f"{row['payers']:,}",
                row["method"],
            ]
            for row in mine
        ]
        head = ("session", "#covered deficit", "#fund draw", "#socialised", "#uncovered", "#receivables")
        parts.append(table((*head, "#ADL loss", "#payers", "method"), lines))
    for title, told in asides(rows):
        parts += [heading(f"What the totals do not say: {title}"), *map(paragraph, told)]
    return section("paid", "Who paid", *parts)
