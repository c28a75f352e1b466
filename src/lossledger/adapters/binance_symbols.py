"""Binance's symbols: every spelling of one is one instrument, for all files of a delivery."""

import re
from typing import NamedTuple

from lossledger.engine.errors import DataError

QUOTES = ("USDT", "USDC", "BUSD", "BTC")
_UNIFIED = re.compile(r"(\w+)/([A-Z]+)(?::([A-Z0-9]+)(?:-(\d{6}))?)?")
_COIN_MARGINED = re.compile(r"(\w+?)USD_(PERP|\d{6})")


class Symbol(NamedTuple):
    """An instrument by its currencies; `id` is the venue's own spelling (BTCUSDT, BTCUSDT_251226)."""

    id: str
    base: str
    quote: str
    settlement: str


def symbol_of(text: str, where: str) -> Symbol:
    """USD-M: BTCUSDT, BTCUSDT_221230, BTC/USDT, BTC/USDT:USDT or BTC/USDT:USDT-251226."""
    unified = _UNIFIED.fullmatch(text)
    if unified:
        base, quote, settlement, delivery = unified.groups()
        name = f"{base}{quote}_{delivery}" if delivery else f"{base}{quote}"
        return Symbol(name, base, quote, settlement or quote)
    if _COIN_MARGINED.fullmatch(text):
        raise DataError(f"{where}: {text} is a contract of COIN-M; use binance-coinm")
    pair = text.partition("_")[0]
    for quote in QUOTES:
        if pair.endswith(quote) and pair != quote:
            return Symbol(text, pair.removesuffix(quote), quote, quote)
    raise DataError(f"{where}: symbol {text!r} ends in none of {', '.join(QUOTES)}")


def coin_margined_symbol_of(text: str, where: str) -> Symbol:
    """COIN-M: BTCUSD_PERP, BTCUSD_251226, BTC/USD, BTC/USD:BTC or BTC/USD:BTC-251226; it settles in its base."""
    match = _COIN_MARGINED.fullmatch(text)
    base, expiry = match.groups() if match else ("", "")
    unified = _UNIFIED.fullmatch(text)
    if unified and unified[2] == "USD" and unified[3] in (None, unified[1]):
        base, expiry = unified[1], unified[4] or "PERP"
    if not base:
        raise DataError(f"{where}: symbol {text!r} is none of COIN-M, like BTCUSD_PERP or BTCUSD_251226")
    return Symbol(f"{base}USD_{expiry}", base, "USD", base)
