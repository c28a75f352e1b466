"""C: largest losses against the fund, holders of open interest, positions nearest to liquidation."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from lossledger.engine.figures import exact
from lossledger.engine.numbers import E18
from lossledger.engine.rules.contracts import Contract
from lossledger.readers.document.model import Block, Section, TableBlock, TableColumn
from lossledger.readers.document.values import Amount, Cell, Missing, Share
from lossledger.readers.liquidation_distances import find_distances
from lossledger.readers.published_rows import rows_where
from lossledger.readers.report.facts import Facts
from lossledger.schemas import attribution


def exposure(facts: Facts) -> Section:
    blocks: list[Block] = [
        _peaks(facts),
        _against_fund(facts),
        _open_interest(facts),
        _nearest(facts),
        _unknown(),
    ]
    return Section("Exposure and concentration", blocks, "exposure", "C")


def _stress(facts: Facts) -> Iterator[tuple[date, str, int, int, int]]:
    """Session, currency, the covered deficits of the largest account and of the two largest, the fund at hand."""
    for day, currency, _ in facts.sessions():
        same = facts.same(day, currency)
        by_account: defaultdict[str, int] = defaultdict(int)
        for row in rows_where(facts.rows.rows(attribution.NEGATIVE_BALANCES), protected=True, **same):
            by_account[row["account_id"]] += row["deficit"]
        (fund,) = rows_where(facts.rows.rows(attribution.INSURANCE_FUND_DAILY), **same)
        largest = sorted(by_account.values(), reverse=True)
        yield day, currency, sum(largest[:1]), sum(largest[:2]), fund["opening"] + fund["external"]


def _peaks(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for currency in facts.currencies:
        mine = [row for row in _stress(facts) if row[1] == currency]
        columns_of = ([row[2] for row in mine], [row[3] for row in mine])
        amounts = [(max(column), facts.mean(sum(column), len(column), currency)) for column in columns_of]
        cells = [facts.amount(amount, currency) for pair in amounts for amount in pair]
        rows.append((currency, len(mine), *cells, sum(row[3] > row[4] for row in mine)))
    columns = (
        TableColumn("currency", "currency"),
        TableColumn("sessions", "sessions", "", True),
        TableColumn(
            "peak", "largest account, peak", "Its covered deficits of a session: loss beyond margin.", True
        ),
        TableColumn("mean", "mean", "Over all sessions, cut off at the ledger unit.", True),
        TableColumn("peak_two", "two largest, peak", "", True),
        TableColumn("mean_two", "mean", "Over all sessions, cut off at the ledger unit.", True),
        TableColumn("exceeded", "sessions in which two exceed the fund", "", True),
    )
    source = ("attribution.negative_balances", "attribution.insurance_fund_daily")
    return TableBlock("stress_peaks", "Losses beyond margin over the period", columns, tuple(rows), source)


def _against_fund(facts: Facts) -> TableBlock:
    rows: list[tuple[Cell, ...]] = []
    for day, currency, *amounts in _stress(facts):
        exceeded = "yes" if amounts[1] > amounts[2] else "no"
        rows.append((day, currency, *(facts.amount(amount, currency) for amount in amounts), exceeded))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn(
            "largest", "largest account", "Its covered deficits of the session: loss beyond margin.", True
        ),
        TableColumn("two", "two largest", "", True),
        TableColumn("held", "fund at hand", "Opening and what the venue put in.", True),
        TableColumn("exceeded", "two exceed the fund"),
    )
    source = ("attribution.negative_balances", "attribution.insurance_fund_daily")
    title = "The largest losses beyond margin, against the fund"
    return TableBlock("stress", title, columns, tuple(rows), source, 2)


def _open_interest(facts: Facts) -> TableBlock:
    """At the marks of the session's end, both sides; an account counts with all its positions of an instrument."""
    contracts = {
        row["instrument_id"]: Contract(
            row["instrument_id"], row["kind"], row["settlement_currency"],
            facts.rows.scales()[row["settlement_currency"]], row["multiplier"],
        )
        for row in facts.rows.reference("instruments")
    }  # fmt: skip
    held: defaultdict[tuple[date, str, str], dict[str, int]] = defaultdict(dict)
    for row in facts.rows.rows(attribution.POSITIONS_DAILY):
        contract = contracts[row["instrument_id"]]
        value = row["entry_value"]
        if row["mark_price"] is not None:
            value = contract.value_units(abs(row["quantity"]), row["mark_price"]) * E18 // 10**contract.scale
        book = held[row["business_date"], row["currency"], row["instrument_id"]]
        book[row["account_id"]] = book.get(row["account_id"], 0) + value
    rows: list[tuple[Cell, ...]] = []
    for (day, currency, instrument), book in sorted(held.items()):
        amounts = sorted(book.values(), reverse=True)
        shares = [Share(sum(amounts[:n]), sum(amounts)) for n in (1, 5, 10)]
        rows.append((day, currency, instrument, len(book), facts.amount(sum(amounts), currency), *shares))
    columns = (
        TableColumn("business_date", "session"),
        TableColumn("currency", "currency"),
        TableColumn("instrument_id", "instrument"),
        TableColumn("accounts", "accounts", "", True),
        TableColumn("value", "open interest", "Both sides, at the marks of the session's end.", True),
        TableColumn("top_1", "largest account", "Rounded to a tenth.", True),
        TableColumn("top_5", "largest 5", "", True),
        TableColumn("top_10", "largest 10", "", True),
    )
    title = "Who holds the open interest at the end of the session"
    return TableBlock(
        "open_interest", title, columns, tuple(rows), ("attribution.positions_daily",), 3, shown=40
    )


def _nearest(facts: Facts) -> TableBlock:
    known = find_distances(facts.rows)
    rows: list[tuple[Cell, ...]] = []
    for at in known.nearest:
        row = at.position
        places = len(exact(at.tick_size).partition(".")[2])
        bankruptcy: Cell = Missing("none above zero")
        if at.bankruptcy is not None:
            bankruptcy = Amount(at.bankruptcy, places)
        rows.append(
            (row["account_id"], row["currency"], row["isolation"] or "cross", row["instrument_id"],
             "long" if row["quantity"] > 0 else "short", Amount(abs(row["quantity"])),
             Amount(row["mark_price"], places), Amount(at.liquidation, places), bankruptcy,
             Share(at.distance.numerator, at.distance.denominator))
        )  # fmt: skip
    columns = (
        TableColumn("account_id", "account"),
        TableColumn("currency", "currency"),
        TableColumn("isolation", "margin"),
        TableColumn("instrument_id", "instrument"),
        TableColumn("side", "side"),
        TableColumn("quantity", "quantity", "", True),
        TableColumn("mark", "mark", "", True),
        TableColumn(
            "liquidation",
            "liquidation price",
            "Where equity meets maintenance margin, to the tick's decimals.",
            True,
        ),
        TableColumn("bankruptcy", "bankruptcy price", "Where equity is zero.", True),
        TableColumn(
            "distance",
            "distance",
            "How far the mark may move against it; negative: it is past that price.",
            True,
        ),
    )
    note = (
        f"Open positions of clients at the end of {facts.days[-1]}, before the charges of that session. Only risk "
        f"units with one position: for {known.not_stated:,} other positions such a price cannot be stated alone."
    )
    source = ("attribution.positions_daily", "attribution.account_daily")
    return TableBlock("nearest", "Nearest to liquidation", columns, tuple(rows), source, 4, note, 10)


def _unknown() -> TableBlock:
    rows: tuple[tuple[Cell, ...], ...] = (
        ("Loss under stress scenarios that did not happen", Missing("a scenario of lossledger is run apart")),
        (
            "Concentration of margin",
            Missing("maintenance margin is published at triggers, not at a session's end"),
        ),
    )
    columns = (TableColumn("what", "what"), TableColumn("value", "value"))
    source = ("attribution.liquidations",)
    return TableBlock("exposure_unknown", "What the tables do not tell of exposure", columns, rows, source)
