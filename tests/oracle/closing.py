"""Section 8 under `simulated`: how a unit in liquidation goes to the market, in how many steps, at which price."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.oracle.book import Unit
from tests.oracle.fields import Row

if TYPE_CHECKING:
    from tests.oracle.replay import Replay


def closing_price(replay: Replay, tick: Row, side: int, t: int) -> Fraction:
    """The slipped quote of a tick, to the tick size, for a position of that side."""
    slip = replay.policy.at(t, "slippage_rate")
    step: Fraction = version_at(replay, tick["instrument_id"], t)["tick_size"]
    if side > 0:
        quote = tick["bid"] if tick["bid"] is not None else tick["mark_price"]
        price = math.floor(quote * (1 - slip) / step) * step
    else:
        quote = tick["ask"] if tick["ask"] is not None else tick["mark_price"]
        price = math.ceil(quote * (1 + slip) / step) * step
    return max(price, step)


def closing_quantity(replay: Replay, unit: Unit, instrument: str, t: int) -> Fraction:
    """What a step closes of a position: a share in lots, or all of it."""
    assert unit.episode is not None
    quantity = abs(unit.positions[instrument][0])
    shares = replay.policy.at(t, "liquidation_steps")
    share = shares[min(unit.episode.steps, len(shares) - 1)]
    small = replay.policy.at(t, "liquidation_partial_above").get(unit.currency, Fraction(0))
    worth = replay.book.value(instrument, quantity, replay.book.marks[instrument])
    if worth <= replay.ledger(small, unit.currency):
        return quantity
    lot: Fraction = version_at(replay, instrument, t)["lot_size"]
    return min(quantity, math.ceil(share * quantity / lot) * lot)


def version_at(replay: Replay, instrument: str, t: int) -> Row:
    """The effective version of a contract that is held, so known."""
    version = replay.landing.instruments.at(instrument, t)
    assert version is not None
    return version


def is_taken_over(replay: Replay, unit: Unit, t: int) -> bool:
    """Whether the fund takes the unit before anything of it goes to the market."""
    style = replay.policy.at(t, "liquidation_style")
    if style == "market" or not replay.book.all_marked(unit):
        return False
    left = replay.book.equity(unit) + unit.debt
    below = replay.policy.at(t, "backstop_below") * replay.book.margin(unit, t)
    return bool(style == "takeover" or left < below)


def liquidate(replay: Replay, unit: Unit, t: int, ticks: dict[str, Row]) -> None:
    """One tick timestamp of an open simulated episode, its latency over."""
    episode = unit.episode
    assert episode is not None
    if is_taken_over(replay, unit, t):
        replay.takeovers.take_over(unit, t)
        return
    waits = episode.steps and t < episode.last_step + replay.policy.at(t, "liquidation_cooldown_us")
    if waits or replay.policy.at(t, "liquidation_style") == "takeover":
        return
    held = [i for i in sorted(unit.positions) if i in ticks]
    for instrument in held:
        replay.simulated_fill(unit, t, ticks[instrument], closing_quantity(replay, unit, instrument, t))
    episode.steps += 1
    episode.last_step = t
