"""The venues that `lossledger adapt VENUE` knows."""

from collections.abc import Callable
from pathlib import Path

from lossledger.adapters import binance_coinm, binance_usdm, hyperliquid_2023, hyperliquid_fills
from lossledger.adapters.report import AdaptReport

VENUES: dict[str, Callable[[Path, Path], AdaptReport]] = {
    binance_coinm.NAME: binance_coinm.adapt,
    binance_usdm.NAME: binance_usdm.adapt,
    binance_usdm.NAME_LAST: binance_usdm.adapt_last,
    hyperliquid_2023.NAME: hyperliquid_2023.adapt,
    hyperliquid_fills.NAME: hyperliquid_fills.adapt,
}
