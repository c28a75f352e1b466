"""Binance USD-M market data: klines as ticks, funding, leverage brackets; see docs/adapters."""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from adapters.binance_brackets import Symbol, brackets, snapshot_date, symbol_of
from adapters.delivered import csv_rows, decimal, decimals, plain, step, utc_text
from adapters.landing import landing_zone
from adapters.report import AdaptReport
from engine.errors import DataError

MARK, LAST = "binance-usdm", "binance-usdm-last"
KLINES = {MARK: "mark", LAST: "futures"}
SCALE = 8
VALID_FROM = "2019-01-01"  # before the venue opened these contracts
UNKNOWN_STEP = "0.00000001"  # without last-trade klines the steps are unknown: this one refuses no price

POLICY = """\
# Binance USD-M market data. Every value may be changed; see docs/adapters/binance-usdm.md.
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
_BAR = re.compile(r"_(\d+)([mhd])[_.]")  # mark_1h.csv: the length of its bars
_MINUTES = {"m": 1, "h": 60, "d": 1440}

Row = tuple[str, ...]


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Mark-price klines, funding and brackets in `source` as a landing zone.

    DataError: nothing to read; a column or value missing; brackets that do not add up. ConfigError: see
    `landing_zone`.
    """
    return _adapt(MARK, source, landing)


def adapt_last(source: Path, landing: Path) -> AdaptReport:
    """The same with last-trade klines in place of mark prices, where marks are not to be had."""
    return _adapt(LAST, source, landing)


def _adapt(name: str, source: Path, landing: Path) -> AdaptReport:
    report = AdaptReport(name, landing)
    with landing_zone(report, source) as zone:
        opens = _opens(name, source)
        tiers, symbols = _tiers(source)
        for symbol, _ in opens:
            symbols.setdefault(symbol, symbol_of(symbol, str(source)))
        steps = _steps(source)
        funding = sorted(_funding(source, opens, report))
        currencies = sorted({s.settlement for s in symbols.values()})
        zone.reference("currencies", [(c, str(SCALE)) for c in currencies])
        zone.reference("instruments", [_instrument(s, steps) for _, s in sorted(symbols.items())])
        zone.reference("margin_tiers", tiers)
        zone.reference("accounts", [])
        zone.dated("ticks", sorted((ts, symbol, price) for (symbol, ts), price in opens.items()))
        zone.dated("funding", funding)
        zone.policy(POLICY + _longest_gap(name, source))
        without = {symbol for symbol, _ in opens} - {t[0] for t in tiers}
        report.notes += [
            f"ticks are the opening prices of {KLINES[name]} klines; the path inside a bar is not delivered",
            f"{len(without)} symbols have ticks and no brackets: whoever holds one cannot be replayed",
            f"{len(symbols.keys() - steps.keys())} symbols have no last-trade klines: unknown steps",
            "the dates of brackets are upper bounds: they were in force by then, and may have been before",
            "not delivered: accounts, transfers, fills, index prices, bid and ask, the insurance fund",
        ]
    return report


def _files(source: Path, stem: str) -> list[Path]:
    """STEM_*.csv and STEM_*.csv.gz in the folder and below, in order of name."""
    return sorted(p for p in source.rglob(f"{stem}_*") if p.name.endswith((".csv", ".csv.gz")))


def _longest_gap(name: str, source: Path) -> str:
    """The policy's limit for gaps in marks: twice the longest bar, of which only the opening price is a tick."""
    bars = [_BAR.search(path.name) for path in _files(source, KLINES[name])]
    lengths_us = [int(bar[1]) * _MINUTES[bar[2]] * 60_000_000 for bar in bars if bar]
    if not lengths_us:
        return ""
    return f"  # Twice the length of a bar.\n  max_mark_gap_us: {2 * max(lengths_us)}\n"


def _opens(name: str, source: Path) -> dict[tuple[str, str], str]:
    """(symbol, opening time) -> opening price; files of several intervals must agree where they meet."""
    files = _files(source, KLINES[name])
    if not files and name == MARK and _files(source, KLINES[LAST]):
        raise DataError(f"{source} has no mark_*.csv(.gz); use {LAST} to take last-trade prices instead")
    if not files and not _files(source, "tiers"):
        raise DataError(f"{source} has neither {KLINES[name]}_*.csv(.gz) nor tiers_YYYY-MM-DD.csv(.gz)")
    opens: dict[tuple[str, str], str] = {}
    for path in files:
        for number, row in csv_rows(path, ("symbol", "date", "open")):
            where = f"{path} row {number}"
            key, price = (row["symbol"], utc_text(row["date"], where)), plain(decimal(row["open"], where))
            if opens.setdefault(key, price) != price:
                raise DataError(f"{where}: {key[0]} opens at {price}, another file says {opens[key]}")
    return opens


def _tiers(source: Path) -> tuple[list[Row], dict[str, Symbol]]:
    rows: list[Row] = []
    symbols: dict[str, Symbol] = {}
    for path in _files(source, "tiers"):
        valid_from = snapshot_date(path)
        for symbol, floor, rate in brackets(path):
            if symbols.setdefault(symbol.id, symbol) != symbol:
                raise DataError(f"{path}: {symbol.id} has other currencies than in an earlier file")
            rows.append((symbol.id, valid_from, plain(floor), plain(rate)))
    return rows, symbols


def _steps(source: Path) -> dict[str, tuple[str, str]]:
    """Tick and lot size by symbol: the finest decimals of last-trade prices and of volumes."""
    places: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path in _files(source, KLINES[LAST]):
        for number, row in csv_rows(path, ("symbol", "open", "high", "low", "close", "volume")):
            where, finest = f"{path} row {number}", places[row["symbol"]]
            for column in ("open", "high", "low", "close"):
                finest[0] = max(finest[0], decimals(decimal(row[column], where)))
            finest[1] = max(finest[1], decimals(decimal(row["volume"], where)))
    return {symbol: (step(tick), step(lot)) for symbol, (tick, lot) in places.items()}


def _funding(source: Path, opens: dict[tuple[str, str], str], report: AdaptReport) -> Iterator[Row]:
    """Funding at the tick of its very time; a row without one has no price and is left out and counted."""
    left_out = 0
    for path in _files(source, "funding"):
        for number, row in csv_rows(path, ("symbol", "date", "funding_rate")):
            where = f"{path} row {number}"
            ts = utc_text(row["date"], where)
            rate = plain(decimal(row["funding_rate"], where))
            if price := opens.get((row["symbol"], ts)):
                yield ts, row["symbol"], rate, price
            else:
                left_out += 1
    report.notes.append(f"{left_out} funding rows have no tick at their time, so no price, and are left out")


def _instrument(symbol: Symbol, steps: dict[str, tuple[str, str]]) -> Row:
    tick, lot = steps.get(symbol.id, (UNKNOWN_STEP, UNKNOWN_STEP))
    return symbol.id, "linear", symbol.base, symbol.quote, symbol.settlement, "1", tick, lot, VALID_FROM
