"""Price paths in whole ticks, one row per tick time: real candles interpolated, or a jump process.

Floats steer the path; only +, -, x and / are used on them, so the same numbers come out anywhere, and
what is written is a whole number of ticks.
"""

import csv
import gzip
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from lossledger.engine.errors import ConfigError
from lossledger.simulator.contracts import Contract

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]

DATA = Path(__file__).parent / "data"
CANDLE_SECONDS = 300
DAY_SECONDS = 86_400
STEPS_PER_CHUNK = 4_096  # bounds memory: a chunk is so many rows of one int64 per contract
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def epoch_seconds(day: date) -> int:
    """Seconds from the epoch to 00:00 UTC of a day."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


@cache
def candles(symbol: str) -> dict[int, tuple[str, str, str, str]]:
    """The bundled 5-minute candles of a symbol: start (epoch seconds) -> open, high, low, close (text)."""
    with gzip.open(DATA / "candles_5m.csv.gz", "rt", encoding="ascii") as file:
        return {
            int(datetime.fromisoformat(row["ts"]).timestamp()): (
                row["open"], row["high"], row["low"], row["close"],
            )
            for row in csv.DictReader(file)
            if row["symbol"] == symbol
        }  # fmt: skip


@cache
def funding_rates() -> dict[tuple[str, int], str]:
    """The bundled 8-hour funding rates: (symbol, epoch seconds) -> rate as text."""
    with gzip.open(DATA / "funding_8h.csv.gz", "rt", encoding="ascii") as file:
        return {
            (row["symbol"], int(datetime.fromisoformat(row["ts"]).timestamp())): row["rate"]
            for row in csv.DictReader(file)
        }


def first_price(symbol: str, day: date) -> str:
    """The opening price of a bundled symbol on a day, as text."""
    bar = candles(symbol).get(epoch_seconds(day))
    if bar is None:
        raise ConfigError(
            f"no bundled prices on {day}: stay in 2025-10-09 to 2025-10-12, or use --prices jumps"
        )
    return bar[0]


def candle_points(bar: tuple[str, str, str, str], count: int) -> "Floats":
    """`count` prices across one candle, first the open, last the close, both extremes touched.

    A rising candle goes open-low-high-close, a falling one open-high-low-close, straight in between.
    With fewer than four points there is no room for all: then the close, the open, the low, in that order.
    """
    import numpy as np

    first, high, low, last = (float(text) for text in bar)
    if count < 4:
        return np.array([[last], [first, last], [first, low, last]][count - 1])
    turns = (low, high) if last >= first else (high, low)
    at = [0, round((count - 1) / 3), round(2 * (count - 1) / 3), count - 1]
    return np.interp(np.arange(count), at, [first, *turns, last])


def real_path(symbol: str, day: date, tick_seconds: int) -> "Floats":
    """A bundled symbol's price at every tick time of a day."""
    import numpy as np

    first_price(symbol, day)  # a clear refusal when the day is not bundled
    bars, start = candles(symbol), epoch_seconds(day)
    parts = []
    for offset in range(0, DAY_SECONDS, CANDLE_SECONDS):
        # Tick times inside [offset, offset + 300): so many multiples of tick_seconds.
        count = -(-(offset + CANDLE_SECONDS) // tick_seconds) - -(-offset // tick_seconds)
        if count:
            parts.append(candle_points(bars[start + offset], count))
    return np.concatenate(parts)


class Paths:
    """All contracts' marks, day by day, in chunks of whole rows."""

    def __init__(self, contracts: Sequence[Contract], seed: int, tick_seconds: int, real: bool) -> None:
        import numpy as np

        self._contracts, self._tick_seconds, self._real = contracts, tick_seconds, real
        self._rng = np.random.Generator(np.random.PCG64(seed))
        self._start = np.array([c.start_ticks for c in contracts], dtype=np.float64)
        self._level = self._start.copy()
        self._factor = np.ones(len(contracts))
        self._base = np.array([SYMBOLS.index(c.base + "USDT") if c.base + "USDT" in SYMBOLS else -1
                               for c in contracts])  # fmt: skip
        self._first: list[float] = []

    def day(self, day: date) -> Iterator["Ints"]:
        """The day's marks in ticks: arrays of shape (rows, contracts), at most STEPS_PER_CHUNK rows each."""
        import numpy as np

        steps = -(-DAY_SECONDS // self._tick_seconds)
        real = [real_path(s, day, self._tick_seconds) for s in SYMBOLS] if self._real else []
        if real and not self._first:
            self._first = [float(path[0]) for path in real]
        for start in range(0, steps, STEPS_PER_CHUNK):
            rows = min(STEPS_PER_CHUNK, steps - start)
            if self._real:
                marks = self._follow([path[start : start + rows] for path in real], rows)
            else:
                marks = self._jump(rows)
            yield np.maximum(1, np.rint(marks)).astype(np.int64)

    def _follow(self, real: list["Floats"], rows: int) -> "Floats":
        """Real symbols as they were; any other contract follows BTC 1.3 times, with a walk of its own."""
        import numpy as np

        sigma = 0.0006 * (self._tick_seconds / 60) ** 0.5
        own = 1 + sigma * self._rng.standard_normal((rows, len(self._contracts)))
        own[:, self._base >= 0] = 1.0
        factors = self._factor * np.cumprod(own, axis=0)
        self._factor = factors[-1]
        marks = np.empty((rows, len(self._contracts)))
        for j, contract in enumerate(self._contracts):
            symbol = int(self._base[j])
            if symbol >= 0:
                marks[:, j] = real[symbol] / float(contract.tick_size)
            else:
                relative = np.maximum(0.05, 1 + 1.3 * (real[0] / self._first[0] - 1))
                marks[:, j] = self._start[j] * relative * np.clip(factors[:, j], 0.2, 5.0)
        return marks

    def _jump(self, rows: int) -> "Floats":
        """A common and an own random walk, and on average three jumps a day, most of them down."""
        import numpy as np

        n, share = len(self._contracts), self._tick_seconds / DAY_SECONDS
        sigma = 0.03 * share**0.5
        jumps = (self._rng.random(rows) < 3 * share) * (0.04 * self._rng.standard_normal(rows) - 0.03)
        market = sigma * self._rng.standard_normal(rows) + jumps
        beta = np.where(self._base >= 0, 1.0, 1.3)
        pull = np.clip(self._start / self._level - 1, -0.5, 0.5) * share  # back towards the start
        own = 0.4 * sigma * self._rng.standard_normal((rows, n))
        returns = np.clip(market[:, None] * beta + own + pull, -0.3, 0.3)
        marks = self._level * np.cumprod(1 + returns, axis=0)
        self._level = np.maximum(marks[-1], 1.0)
        return marks
