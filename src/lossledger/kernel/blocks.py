"""The lowest and the highest mark of any stretch of ticks, in a number of steps that follows its logarithm.

Level 0 are the marks themselves, a node of level n + 1 stands for FAN nodes of level n.
"""

import numpy as np

from lossledger.kernel.compiler import compiled
from lossledger.kernel.layout import NEVER, Frozen, Instrument, Ints, Market

FAN = 8


@compiled
def first_not_before(times: Frozen, a: int, b: int, ts: int) -> int:
    """The first index in [a, b) whose time is not before ts, b without one."""
    while a < b:
        middle = (a + b) >> 1
        if times[middle] < ts:
            a = middle + 1
        else:
            b = middle
    return a


@compiled
def clock(market: Market, terms: Instrument) -> int:
    """Where the times stand that the instrument's ticks have.

    Instruments that tick together read the times of the first of them: a unit that holds many of them searches one
    column, which stays in the processor's cache.
    """
    return market.instruments[terms.timeline].tick_from


@compiled
def tick_not_before(market: Market, terms: Instrument, ts: int) -> int:
    """The index of the instrument's first tick not before ts."""
    first = clock(market, terms)
    last = first + terms.tick_to - terms.tick_from
    return terms.tick_from + first_not_before(market.tick_ts, first, last, ts) - first


@compiled
def time_of(market: Market, terms: Instrument, tick: int) -> int:
    """When a tick was, NEVER after the last."""
    if tick >= terms.tick_to:
        return NEVER
    return market.tick_ts[clock(market, terms) + tick - terms.tick_from]


@compiled
def mark_before_tick(market: Market, terms: Instrument, tick: int) -> int:
    """The mark in force just before a tick, 0 without one."""
    return market.mark[tick - 1] if tick > terms.tick_from else terms.opening_mark


@compiled
def mark_before(market: Market, terms: Instrument, ts: int) -> int:
    """The mark in force just before ts, 0 without one."""
    return mark_before_tick(market, terms, tick_not_before(market, terms, ts))


@compiled
def extremes(market: Market, terms: Instrument, a: int, b: int, low: int, high: int) -> tuple[int, int]:
    """The lowest and the highest of the marks of ticks [a, b), and of those given."""
    a -= terms.tick_from
    b -= terms.tick_from
    lowest, highest, base, level = market.mark, market.mark, terms.tick_from, 0
    while a < b:
        last = level == terms.levels
        while a < b and (last or a % FAN):
            low, high = min(low, lowest[base + a]), max(high, highest[base + a])
            a += 1
        while a < b and b % FAN:
            b -= 1
            low, high = min(low, lowest[base + b]), max(high, highest[base + b])
        a //= FAN
        b //= FAN
        if a < b:
            lowest, highest, base = market.lowest, market.highest, market.levels[terms.level_from + level]
            level += 1
    return low, high


def build(marks: Ints, tick_from: Ints, tick_to: Ints) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Blocks of all instruments: lowest, highest, start of every level; per instrument its first level and how many."""
    lowest: list[Ints] = []
    highest: list[Ints] = []
    starts: list[int] = []
    level_from, levels = np.zeros(len(tick_from), np.int64), np.zeros(len(tick_from), np.int64)
    size = 0
    for i, (a, b) in enumerate(zip(tick_from, tick_to, strict=True)):
        level_from[i] = len(starts)
        low = high = marks[a:b]
        while len(low) > FAN:
            edges = np.arange(0, len(low), FAN)
            low, high = np.minimum.reduceat(low, edges), np.maximum.reduceat(high, edges)
            starts.append(size)
            lowest.append(low)
            highest.append(high)
            size += len(low)
        levels[i] = len(starts) - level_from[i]
    none = np.zeros(0, np.int64)
    low = np.concatenate([none, *lowest])
    high = np.concatenate([none, *highest])
    return low, high, np.array([*starts, NEVER], np.int64), level_from, levels
