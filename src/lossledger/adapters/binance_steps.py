"""Tick and lot sizes as Binance's prices and quantities show them: the finest decimal seen."""

from collections import defaultdict

from lossledger.adapters.binance_files import LAST, ORDER, TRADES, Delivery, Symbols, rows
from lossledger.adapters.delivered import csv_rows, decimal, decimals, step

Steps = dict[str, tuple[str, str]]  # instrument -> tick and lot size
PRICES = ("open", "high", "low", "close")


def steps_of(found: Delivery, symbols: Symbols) -> Steps:
    """By instrument, from last-trade klines and from trades; nothing for one that has neither."""
    places: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for file in found.files[LAST]:
        for symbol, _, cells, where in rows(LAST, file, (*PRICES, "volume"), symbols):
            finest = places[symbol.id]
            finest[0] = max(finest[0], *(decimals(decimal(cells[c], where)) for c in PRICES))
            finest[1] = max(finest[1], decimals(decimal(cells["volume"], where)))
    for file in found.files[TRADES]:
        finest = places[symbols(file.symbol or "", str(file.path)).id]
        for number, cells in csv_rows(file.path, ("price",), ORDER[TRADES]):
            where = f"{file.path} row {number}"
            quantity = cells.get("quantity") or cells.get("qty")
            finest[0] = max(finest[0], decimals(decimal(cells["price"], where)))
            finest[1] = max(finest[1], decimals(decimal(quantity, where)))
    return {name: (step(tick), step(lot)) for name, (tick, lot) in places.items()}
