"""Binance COIN-M: inverse contracts of a fixed number of US dollars, which settle in the coin; see docs/adapters."""

from pathlib import Path

from lossledger.adapters.binance_files import MARK
from lossledger.adapters.binance_market import VALID_FROM, Market, Row, adapt_market
from lossledger.adapters.binance_steps import Steps
from lossledger.adapters.binance_symbols import Symbol, coin_margined_symbol_of
from lossledger.adapters.report import AdaptReport

NAME = "binance-coinm"
CONTRACT_SIZES = {"BTC": "100"}  # US dollars a contract, by base currency
OTHER_CONTRACT_SIZE = "10"
WHOLE_CONTRACTS = "1"
UNKNOWN_TICK = "0.00000001"  # without last-trade prices the tick size is unknown: this one refuses no price


def adapt(source: Path, landing: Path) -> AdaptReport:
    """Mark-price klines, funding and brackets in `source` as a landing zone: see `adapt_market`."""
    market = Market(NAME, NAME, "COIN-M", MARK, coin_margined_symbol_of, _instrument)
    return adapt_market(market, source, landing)


def _instrument(symbol: Symbol, steps: Steps) -> Row:
    tick, _ = steps.get(symbol.id, (UNKNOWN_TICK, ""))
    size = CONTRACT_SIZES.get(symbol.base, OTHER_CONTRACT_SIZE)
    currencies = (symbol.base, symbol.quote, symbol.settlement)
    return symbol.id, "inverse", *currencies, size, tick, WHOLE_CONTRACTS, VALID_FROM
