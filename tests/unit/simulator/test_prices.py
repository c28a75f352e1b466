"""Price paths: real candles are touched at all four corners, every mark is a whole number of ticks."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from lossledger.simulator.config import MarketConfig
from lossledger.simulator.market import build_contracts
from lossledger.simulator.prices import (
    CANDLE_SECONDS,
    DAY_SECONDS,
    SYMBOLS,
    Paths,
    candle_points,
    candles,
    epoch_seconds,
    real_path,
)

CRASH = date(2025, 10, 10)


@pytest.mark.parametrize(
    ("bar", "count", "points"),
    [
        (("10", "16", "4", "13"), 4, [10, 4, 16, 13]),  # rising: low first
        (("13", "16", "4", "10"), 4, [13, 16, 4, 10]),  # falling: high first
        (("10", "16", "4", "13"), 7, [10, 7, 4, 10, 16, 14.5, 13]),
        (("10", "16", "4", "13"), 2, [10, 13]),
        (("10", "16", "4", "13"), 1, [13]),
    ],
)
def test_points_of_a_candle(bar: tuple[str, str, str, str], count: int, points: list[float]) -> None:
    assert candle_points(bar, count).tolist() == points


@pytest.mark.parametrize("tick_seconds", [1, 30, 60])
@pytest.mark.parametrize("symbol", SYMBOLS)
def test_every_real_candle_is_touched_at_open_high_low_and_close(symbol: str, tick_seconds: int) -> None:
    path = real_path(symbol, CRASH, tick_seconds)
    per_candle = CANDLE_SECONDS // tick_seconds
    assert len(path) == DAY_SECONDS // tick_seconds
    for n in range(DAY_SECONDS // CANDLE_SECONDS):
        part = path[n * per_candle : (n + 1) * per_candle]
        bar = candles(symbol)[epoch_seconds(CRASH) + n * CANDLE_SECONDS]
        assert [part[0], part.max(), part.min(), part[-1]] == [float(text) for text in bar]


def test_a_tick_that_does_not_divide_a_candle_still_covers_the_day() -> None:
    assert len(real_path("BTCUSDT", CRASH, 32)) == DAY_SECONDS // 32


@pytest.mark.parametrize("real", [True, False])
def test_marks_are_positive_ticks_and_repeatable(real: bool) -> None:
    config = MarketConfig(seed=5, accounts=1, days=1, instruments=9, tick_seconds=10)
    contracts = build_contracts(config)
    one, two = (np.concatenate(list(Paths(contracts, 5, 10, real).day(CRASH))) for _ in range(2))
    assert one.shape == (8_640, 9) and one.dtype == np.int64
    assert (one == two).all() and one.min() >= 1
    assert (one.std(axis=0) > 0).all()


def test_inverse_and_linear_contracts_of_one_coin_follow_one_path() -> None:
    contracts = build_contracts(MarketConfig(seed=5, accounts=1, days=1, instruments=4, tick_seconds=60))
    marks = np.concatenate(list(Paths(contracts, 5, 60, True).day(CRASH)))
    linear, inverse = (marks[:, i] * float(contracts[i].tick_size) for i in (0, 3))
    assert abs(linear - inverse).max() <= 0.25 + 1e-6  # half of the inverse contract's larger tick
    assert contracts[3].tick_size == Decimal("0.5")
