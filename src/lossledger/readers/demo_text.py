"""Published dates as text for a terminal: the fund, the waterfall, the largest charges, the other sharing rules."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap

from lossledger.engine.figures import exact, percent, text_table
from lossledger.readers.footnotes import write_footnotes
from lossledger.readers.published_rows import PublishedRows, Row, largest_rows, rows_where, sum_column
from lossledger.schemas import attribution

_LARGEST = 10
_WIDTH = 100
_FUND_LINES = (
    ("opening", "opening"),
    ("+ external", "external"),
    ("+ liquidation fees", "liquidation_fees"),
    ("+ surplus", "surplus"),
    ("+ draws", "draws"),
    ("= closing", "closing"),
    ("lowest", "lowest"),
)
_WATERFALL_LINES = (
    ("deficit, covered", "deficit"),
    ("= fund draw", "fund_draw"),
    ("+ socialised", "socialised"),
    ("+ uncovered", "uncovered"),
    ("receivables, new", "unprotected_deficit"),
    ("ADL loss, in kind", "adl_loss"),
)


def report_lines(rows: PublishedRows) -> Iterator[str]:
    """Every amount exact, in units of its currency; only percentages are rounded."""
    currencies, scales = rows.currencies(), rows.scales()
    yield from _heading("WHAT HAPPENED")
    yield from _story(rows, currencies)
    yield from _heading("INSURANCE FUND, day by day")
    fund = rows.rows(attribution.INSURANCE_FUND_DAILY)
    yield from _statement(fund, currencies, scales, _FUND_LINES, ("number of draws", "draw_count"))
    yield from _heading("WHO PAID FOR THE DEFICITS, per session")
    losses = rows.rows(attribution.SESSION_LOSSES)
    yield from _statement(losses, currencies, scales, _WATERFALL_LINES, ("accounts charged", "payers"))
    yield from _footnotes(rows)
    for currency in currencies:
        yield from _charged(rows, currency, scales[currency])
    yield from _rule_comparison(rows, scales)


def _footnotes(rows: PublishedRows) -> Iterator[str]:
    for title, notes in write_footnotes(rows):
        yield from _heading(f"WHAT THE TOTALS DO NOT SAY, {title}")
        for sentences in notes:
            yield from wrap(sentences, _WIDTH, initial_indent="  - ", subsequent_indent="    ")


def _heading(text: str) -> Iterator[str]:
    yield ""
    yield text


def _indent(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield "  " + line


def _story(rows: PublishedRows, currencies: Sequence[str]) -> Iterator[str]:
    episodes = rows.rows(attribution.LIQUIDATIONS)
    events = rows.rows(attribution.NEGATIVE_BALANCES)
    adl = rows.rows(attribution.ADL_LOSSES)
    covered = sum(row["protected"] for row in events)
    ends = ", ".join(
        f"{len(rows_where(episodes, end_reason=reason))} {reason.replace('_', '-')}"
        for reason in ("flat", "self_closed", "recovered")
        if rows_where(episodes, end_reason=reason)
    )
    lost = " and ".join(
        f"{exact(sum_column(rows_where(adl, currency=currency), 'amount'))} {currency}"
        for currency in currencies
    )
    with_deficit = sum(row["deficit"] > 0 for row in episodes)
    yield (
        f"  {len(episodes):,} liquidation episodes ({ends or 'none'}), {with_deficit:,} with a deficit; "
        + (f"{len(adl):,} ADL fills")
    )
    yield f"  {len(events):,} balances below zero, {covered:,} of them covered; ADL cost {lost or 'nothing'}"


def _statement(
    rows: Sequence[Row],
    currencies: Sequence[str],
    scales: Mapping[str, int],
    lines: Sequence[tuple[str, str]],
    count: tuple[str, str],
) -> Iterator[str]:
    """A line per amount, a column per currency and date: exact amounts are too wide for the other way round."""
    columns = [row for currency in currencies for row in rows_where(rows, currency=currency)]
    table = [["", *(row["currency"] for row in columns)]]
    table.append(["", *(row["business_date"].isoformat() for row in columns)])
    table += [
        [label, *(exact(row[name], scales[row["currency"]]) for row in columns)] for label, name in lines
    ]
    table.append([count[0], *(f"{row[count[1]]:,}" for row in columns)])
    yield from _indent(text_table(table))


def _charged(rows: PublishedRows, currency: str, scale: int) -> Iterator[str]:
    charged = rows_where(rows.rows(attribution.SOCIALISED_LOSSES), currency=currency)
    if not charged:
        return
    yield from _heading(f"LARGEST SOCIALISED LOSSES in {currency}, of {len(charged)}")
    whole = sum_column(charged, "charge")
    table = [["account", "class", "session", "charge", "of all", "in proportion to"]]
    for row in largest_rows(charged, "charge", _LARGEST, "business_date", "account_id"):
        day = row["business_date"].isoformat()
        charge, basis = exact(row["charge"], scale), exact(row["basis"], scale)
        share = percent(row["charge"], whole)
        table.append([row["account_id"], row["client_class"], day, charge, share, basis])
    yield from _indent(text_table(table, left=3))


def _rule_comparison(rows: PublishedRows, scales: Mapping[str, int]) -> Iterator[str]:
    totals = rows.rows(attribution.RULE_TOTALS)
    charges = rows.rows(attribution.RULE_COMPARISON)
    for day in sorted({row["business_date"] for row in totals}):
        for currency in rows.currencies():
            compared = rows_where(totals, business_date=day, currency=currency)
            if not compared:
                continue
            shortfall = exact(compared[0]["shortfall"], scales[currency])
            yield from _heading(
                f"UNDER OTHER RULES, {day}: shortfall {shortfall} {currency} (nothing of it is booked)"
            )
            table = [["rule", "to fund", "uncovered", "payers", "pays most", "charge", "of all"]]
            for row in sorted(compared, key=lambda row: attribution.COMPARED_RULES.index(row["rule"])):
                same = {name: row[name] for name in ("business_date", "rule", "currency")}
                first = largest_rows(rows_where(charges, **same), "charge", 1, "account_id")
                table.append(_rule_line(row, first, scales[currency]))
            yield from _indent(text_table(table))


def _rule_line(row: Row, first: Sequence[Row], scale: int) -> list[str]:
    amounts = [exact(row[name], scale) for name in ("to_fund", "uncovered")]
    most = ["-", "-", "-"]
    if first:
        charge = first[0]["charge"]
        most = [first[0]["account_id"], exact(charge, scale), percent(charge, row["charged"])]
    return [row["rule"], *amounts, f"{row['payers']:,}", *most]
