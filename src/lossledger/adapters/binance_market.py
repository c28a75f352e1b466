"""A market of Binance as the market half of a landing zone: ticks, funding, brackets; see docs/adapters."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lossledger.adapters.binance_brackets import brackets, snapshot_date
from lossledger.adapters.binance_files import (
    FUNDING,
    LAST,
    MARK,
    TIERS,
    TRADES,
    Delivery,
    Symbols,
    delivery,
    rows,
)
from lossledger.adapters.binance_funding import Opens, funding_of
from lossledger.adapters.binance_steps import Steps, steps_of
from lossledger.adapters.binance_symbols import Symbol
from lossledger.adapters.delivered import decimal, plain
from lossledger.adapters.landing import landing_zone
from lossledger.adapters.report import AdaptReport
from lossledger.engine.errors import DataError

SCALE = 8
VALID_FROM = "2019-01-01"  # before the venue opened these contracts
PRICES = {
    MARK: "mark_*.csv(.gz), markPriceKlines of the archive",
    LAST: "futures_*.csv(.gz), klines of the archive",
}

POLICY = """\
# Binance {title} market data. Every value may be changed; see docs/adapters/{page}.md.
- valid_from: 2019-01-01
  # The venue publishes no fills: add accounts, transfers and fills of your own. `simulated` liquidates by
  # the recomputation at these ticks; set `recorded` if your fills include the venue's liquidations.
  execution: simulated
  trigger: lt
  # The venue takes a liquidated position over and keeps what is left.
  residual: to_fund
  liquidation_fee_to: fund
  # The venue's last resort is auto-deleveraging, never a charge.
  sharing: none
  session_start: '00:00'
"""
GAPS = """\
  # Twice the longest bar: a longer time without a tick is a gap in what was delivered.
  max_mark_gap_us: {us}
"""

Row = tuple[str, ...]


@dataclass(frozen=True)
class Market:
    """How one of the venue's markets is read. `prices`: the klines that ticks are made of."""

    name: str
    page: str
    title: str
    prices: str
    symbol_of: Callable[[str, str], Symbol]
    instrument: Callable[[Symbol, Steps], Row]
    instead: str = ""  # the adapter that takes last-trade prices where marks are not to be had


def adapt_market(market: Market, source: Path, landing: Path) -> AdaptReport:
    """Klines, funding and brackets in `source` as a landing zone.

    DataError: nothing to read; a column or value missing; brackets that do not add up; a dataset that was
    delivered and of which nothing is left. ConfigError: see `landing_zone`.
    """
    report = AdaptReport(market.name, landing)
    with landing_zone(report, source) as zone:
        found = delivery(source)
        _refuse_nothing(market, source, found)
        symbols = Symbols(market.symbol_of)
        known: dict[str, Symbol] = {}
        opens = _opens(market, found, symbols, known)
        tiers = _tiers(found, symbols, known)
        steps = steps_of(found, symbols)
        bar_us = max((file.bar_us for file in found.files[market.prices]), default=0)
        funding = funding_of(found, symbols, opens, bar_us, report)
        zone.reference(
            "currencies", [(c, str(SCALE)) for c in sorted({s.settlement for s in known.values()})]
        )
        zone.reference("instruments", [market.instrument(s, steps) for _, s in sorted(known.items())])
        zone.reference("margin_tiers", tiers)
        zone.reference("accounts", [])
        zone.dated(
            "ticks", sorted((ts, name, price) for name, at in opens.items() for ts, price in at.items())
        )
        zone.dated("funding", funding)
        policy = POLICY.format(title=market.title, page=market.page)
        zone.policy(policy + (GAPS.format(us=2 * bar_us) if bar_us else ""))
        _refuse_empty(market, found, report)
        _note(market, found, report)
        report.notes += [
            f"{len(opens.keys() - {t[0] for t in tiers})} symbols have ticks and no brackets: whoever holds one "
            "cannot be replayed",
            f"{len(known.keys() - steps.keys())} symbols have no last-trade klines and no trades: unknown steps",
            "the dates of brackets are upper bounds: they were in force by then, and may have been before",
            "not delivered: accounts, transfers, fills, index prices, bid and ask, the insurance fund",
        ]
    return report


def _refuse_nothing(market: Market, source: Path, found: Delivery) -> None:
    if found.files[market.prices]:
        return
    if found.files[LAST] and market.instead:
        raise DataError(
            f"{source} has no mark_*.csv(.gz) and no markPriceKlines; use {market.instead} to take last-trade "
            "prices instead"
        )
    if not found.files[TIERS]:
        raise DataError(f"{source} has neither {PRICES[market.prices]} nor tiers_YYYY-MM-DD.csv(.gz)")


def _opens(market: Market, found: Delivery, symbols: Symbols, known: dict[str, Symbol]) -> Opens:
    """Files of several intervals, or of a day and of its month, must agree where they meet."""
    opens: Opens = defaultdict(dict)
    for file in found.files[market.prices]:
        for symbol, ts, cells, where in rows(market.prices, file, ("open",), symbols):
            price = plain(decimal(cells["open"], where))
            known[symbol.id] = symbol
            if opens[symbol.id].setdefault(ts, price) != price:
                other = opens[symbol.id][ts]
                raise DataError(f"{where}: {symbol.id} opens at {price}, another file says {other}")
    return dict(opens)


def _tiers(found: Delivery, symbols: Symbols, known: dict[str, Symbol]) -> list[Row]:
    tiers: list[Row] = []
    for file in found.files[TIERS]:
        valid_from = snapshot_date(file.path)
        for symbol, floor, rate in brackets(file.path, symbols):
            known[symbol.id] = symbol
            tiers.append((symbol.id, valid_from, plain(floor), plain(rate)))
    return tiers


def _refuse_empty(market: Market, found: Delivery, report: AdaptReport) -> None:
    for dataset, kind, why in (
        ("ticks", market.prices, "they hold no row; fetch them again"),
        ("margin_tiers", TIERS, "they hold no row; fetch them again"),
        (
            "funding",
            FUNDING,
            "no row has a mark price before it; deliver those of its dates",
        ),
    ):
        if files := found.files[kind]:
            report.refuse_empty(dataset, f"{len(files)} files ({files[0].path.name} …) were", why)


def _note(market: Market, found: Delivery, report: AdaptReport) -> None:
    what = "mark price" if market.prices == MARK else "last-trade"
    report.notes.append(
        f"ticks are the opening prices of {what} klines; the path inside a bar is not delivered"
    )
    if found.taken_by_volume:
        report.notes.append(
            f"{found.taken_by_volume} files of klines lie in no folder of the archive's: without volume they are "
            "taken for mark prices (index prices look alike), with it for last trades"
        )
    if trades := len(found.files[TRADES]):
        report.notes.append(
            f"{trades} files of trades give tick and lot sizes and no fills: the venue does not say whose they are"
        )
    for kind, count in sorted(found.unused.items()):
        report.notes.append(f"{count} files are not used: {kind}")
