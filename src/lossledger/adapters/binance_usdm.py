"""Binance USD-M: contracts that settle in a stable coin; see docs/adapters."""

from pathlib import Path

from lossledger.adapters.binance_files import LAST, MARK
from lossledger.adapters.binance_market import VALID_FROM, Market, Row, adapt_market
from lossledger.adapters.binance_steps import Steps
from lossledger.adapters.binance_symbols import Symbol, symbol_of
from lossledger.adapters.report import AdaptReport

NAME, NAME_LAST = "binance-usdm", "binance-usdm-last"
UNKNOWN_STEP = "0.00000001"  # without last-trade prices the steps are unknown: this one refuses no price


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Mark-price klines, funding and brackets in `source` as a landing zone: see `adapt_market`."""
    return adapt_market(_market(NAME, MARK, NAME_LAST), source, landing)


def adapt_last(source: Path, landing: Path) -> AdaptReport:
    """The same with last-trade klines in place of mark prices, where marks are not to be had."""
    return adapt_market(_market(NAME_LAST, LAST), source, landing)


def _market(name: str, prices: str, instead: str = "") -> Market:
    return Market(name, NAME, "USD-M", prices, symbol_of, _instrument, instead)


def _instrument(symbol: Symbol, steps: Steps) -> Row:
    tick, lot = steps.get(symbol.id, (UNKNOWN_STEP, UNKNOWN_STEP))
    return symbol.id, "linear", symbol.base, symbol.quote, symbol.settlement, "1", tick, lot, VALID_FROM
