"""Hyperliquid's public dump of 2023 (trades, ledger updates, liquidations); see docs/adapters."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lossledger.adapters.delivered import csv_rows, decimal, decimals, plain, step, utc_text
from lossledger.adapters.landing import landing_zone
from lossledger.adapters.report import AdaptReport

NAME = "hyperliquid-2023"
CURRENCY, SCALE = "USD", 6
VALID_FROM = "2020-01-01"  # well before the first row of the dump
MAINTENANCE_RATE = "0.01"  # not delivered: an assumption, see the documentation
SIDES = {"Bid": "buy", "Ask": "sell"}

POLICY = """\
# Hyperliquid, 2023. Every value may be changed; see docs/adapters/hyperliquid-2023.md.
- valid_from: 2020-01-01
  # The venue's own liquidation fills are the execution.
  execution: recorded
  trigger: lt
  # Marks are made of trades, so a date without trades has no file of ticks, and is complete all the same.
  required_datasets: []
  # Fees are not delivered, so none can reach a fund; no fund is delivered either.
  liquidation_fee_to: venue
  # What a liquidation leaves over stays where the fills put it.
  residual: to_account
  # The venue published no loss sharing: nobody is charged, a loss is shown as uncovered.
  # `rule_comparison` still shows what each rule would have charged.
  sharing: none
  session_start: '00:00'
  # Some days have two or three rows of a kind: one that the load rejects must not stop the day. It is
  # in ledger.quarantine all the same.
  quarantine_max_share: '1'
"""


Update = tuple[str, str, str, str, str, str]  # a row of `transfers`


class Trade(NamedTuple):
    """One delivered fill; `id` is its row number, padded so that text order is file order."""

    id: str
    ts: str
    user: str
    coin: str
    side: str
    price: Decimal
    size: Decimal
    crossed: str


class Liquidation(NamedTuple):
    """A published liquidation: notional and account value at the mark, in USD."""

    ts: str
    user: str
    notional: Decimal
    account_value: Decimal


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Write the dump in `source` as a landing zone.

    DataError: a file, column or value that is missing or unreadable. ConfigError: see `landing_zone`.
    """
    report = AdaptReport(NAME, landing)
    with landing_zone(report, source) as zone:
        trades = list(_trades(source / "non_mm_trades.csv"))
        updates = list(_updates(source / "non_mm_ledger_updates.csv"))
        liquidations = _liquidations(source / "liquidations.csv", report)
        users = {t.user for t in trades} | {u[2] for u in updates} | {x.user for x in liquidations}

        zone.reference("currencies", [(CURRENCY, str(SCALE))])
        zone.reference("instruments", _instruments(trades))
        zone.reference(
            "margin_tiers", [(c, VALID_FROM, "0", MAINTENANCE_RATE) for c in sorted({t.coin for t in trades})]
        )
        zone.reference("accounts", [(u, "client", "retail", "true", VALID_FROM) for u in sorted(users)])
        zone.dated("transfers", updates)
        zone.dated("fills", _fills(trades, liquidations))
        zone.dated("ticks", _ticks(trades, liquidations))
        zone.dated(
            "venue_liquidations",
            [(x.ts, x.user, CURRENCY, plain(x.notional), plain(x.account_value)) for x in liquidations],
        )
        zone.policy(POLICY)
        _note(report, trades, updates, liquidations)
    return report


def _trades(path: Path) -> Iterator[Trade]:
    for number, row in csv_rows(path, ("time", "user", "coin", "side", "px", "sz", "crossed")):
        where = f"{path} row {number}"
        side = SIDES.get(row["side"], row["side"])  # an unknown side is quarantined by the load
        ts, price, size = utc_text(row["time"], where), decimal(row["px"], where), decimal(row["sz"], where)
        yield Trade(_row_id(number), ts, row["user"], row["coin"], side, price, size, row["crossed"])


def _updates(path: Path) -> Iterator[Update]:
    for number, row in csv_rows(path, ("time", "user", "delta_usd")):
        where = f"{path} row {number}"
        amount = decimal(row["delta_usd"], where)
        kind = "withdrawal" if amount < 0 else "deposit"
        yield utc_text(row["time"], where), _row_id(number), row["user"], CURRENCY, plain(amount), kind


def _liquidations(path: Path, report: AdaptReport) -> list[Liquidation]:
    """One row per account and second: fills cannot tell several different ones of a second apart."""
    rows: dict[tuple[str, str], list[Liquidation]] = defaultdict(list)
    isolated = 0
    for number, row in csv_rows(
        path, ("time", "user", "liquidated_ntl_pos", "liquidated_account_value", "leverage_type")
    ):
        where = f"{path} row {number}"
        notional = decimal(row["liquidated_ntl_pos"], where)
        value = decimal(row["liquidated_account_value"], where)
        item = Liquidation(utc_text(row["time"], where), row["user"], notional, value)
        isolated += row["leverage_type"] == "Isolated"
        same_second = rows[item.ts, item.user]
        if item not in same_second:
            same_second.append(item)
    report.notes.append(f"{isolated} published liquidations are isolated and replayed as cross margin")
    for (ts, user), items in rows.items():
        if len(items) > 1:
            report.notes.append(f"{len(items)} published liquidations of {user} at {ts} were added up")
    return sorted(Liquidation(ts, user, *_total(items)) for (ts, user), items in rows.items())


def _total(items: list[Liquidation]) -> tuple[Decimal, Decimal]:
    zero = Decimal(0)
    return sum((x.notional for x in items), zero), sum((x.account_value for x in items), zero)


def _instruments(trades: list[Trade]) -> list[tuple[str, ...]]:
    price_places, size_places = defaultdict[str, int](int), defaultdict[str, int](int)
    for t in trades:
        price_places[t.coin] = max(price_places[t.coin], decimals(t.price))
        size_places[t.coin] = max(size_places[t.coin], decimals(t.size))
    return [
        (coin, "linear", coin, CURRENCY, CURRENCY, "1", step(places), step(size_places[coin]), VALID_FROM)
        for coin, places in sorted(price_places.items())
    ]


def _fills(trades: list[Trade], liquidations: list[Liquidation]) -> Iterator[tuple[str, ...]]:
    liquidated = {(x.ts, x.user) for x in liquidations}
    for t in trades:
        kind = "liquidation" if (t.ts, t.user) in liquidated else "normal"
        yield t.ts, t.id, t.id, t.user, t.coin, t.side, plain(t.price), plain(t.size), "0", kind


def _ticks(trades: list[Trade], liquidations: list[Liquidation]) -> list[tuple[str, str, str]]:
    """The last price of each second and coin at which somebody traded who was not being liquidated."""
    liquidated = {(x.ts, x.user) for x in liquidations}
    marks = {(t.ts, t.coin): plain(t.price) for t in trades if (t.ts, t.user) not in liquidated}
    return [(ts, coin, mark) for (ts, coin), mark in sorted(marks.items())]


def _note(
    report: AdaptReport, trades: list[Trade], updates: list[Update], liquidations: list[Liquidation]
) -> None:
    seen = {(t.ts, t.user) for t in trades}
    without = sum((x.ts, x.user) not in seen for x in liquidations)
    amounts = [Decimal(u[4]) for u in updates]
    amounts += [amount for x in liquidations for amount in (x.notional, x.account_value)]
    fine = sum(decimals(a) > SCALE for a in amounts)
    repeated = len(trades) - len({t[1:] for t in trades})
    report.notes += [
        f"{len(liquidations)} published liquidations, {without} of them without a fill in their second",
        f"{repeated} fills repeat an earlier row exactly; they are genuine split fills and are kept",
        f"{fine} delivered amounts are finer than 10^-{SCALE} {CURRENCY} and will be quarantined by the load",
        "not delivered: the market makers' side of the trades, fees, funding, marks, margin settings",
        f"assumed: maintenance rate {MAINTENANCE_RATE}, every account a protected retail client",
    ]
    report.notes += [
        f"{file} holds no row, so {dataset} is empty"
        for file, dataset, delivered in (
            ("non_mm_trades.csv", "fills", trades),
            ("non_mm_ledger_updates.csv", "transfers", updates),
            ("liquidations.csv", "venue_liquidations", liquidations),
        )
        if not delivered
    ]


def _row_id(number: int) -> str:
    return f"row-{number:010d}"
