"""Trigger, recovery and simulated execution (rules.md sections 7 and 8)."""

from lossledger.kernel.blocks import tick_not_before, time_of
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import value_of
from lossledger.kernel.episode import end_episode, open_episode
from lossledger.kernel.fills import fill, move_to_fund
from lossledger.kernel.layout import (
    DONE,
    FEE,
    LIQUIDATION,
    MARGIN,
    NEVER,
    NO_ROOM,
    RECOVERED,
    REFUSED,
    Bucket,
    Instrument,
    Market,
    Out,
    Rest,
    Terms,
)
from lossledger.kernel.search import BREACH, RECOVERY, equity_before, first_hit, is_safe, next_tick
from lossledger.kernel.settlement import settle
from lossledger.kernel.wide import ceiling, divided, half_even

_E18 = 10**18


@compiled
def closing_price(market: Market, terms: Instrument, lots: int, tick: int, slippage: int, ts: int) -> int:
    """The price at which a simulated liquidation closes a position at a tick (rules.md section 8).

    0 before the instrument's first version: a data error that the reference reports.
    """
    k = terms.size_to - 1
    while k >= terms.size_from and market.sizes[k].valid_from > ts:
        k -= 1
    if k < terms.size_from:
        return 0
    size = market.sizes[k].size
    if lots > 0:
        bid = market.bid[tick] if market.bid[tick] else market.mark[tick]
        steps = divided(bid, _E18 - slippage, _E18)[0] // size
    else:
        ask = market.ask[tick] if market.ask[tick] else market.mark[tick]
        steps = (ceiling(ask, _E18 + slippage, _E18) + size - 1) // size
    return max(1, steps) * size


@compiled
def close_positions(market: Market, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """Simulated execution: close in full what has a tick here, which is a step of the episode."""
    h = 0
    if rest.state[0].held:
        rest.state[0].steps += 1
        rest.state[0].last_step_at = ts
    while h < rest.state[0].held:
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        tick = tick_not_before(market, terms, ts)
        if time_of(market, terms, tick) != ts:
            h += 1
            continue
        price = closing_price(market, terms, slot.lots, tick, policy.slippage_e18, ts)
        if price == 0:
            return REFUSED
        value, rate = value_of(terms, abs(slot.lots), price), policy.fee_rate_e18
        fee = half_even(value, abs(rate), _E18)
        fee = fee if rate >= 0 else -fee
        fill(market, rest, out, unit, ts, -1, slot, LIQUIDATION, -slot.lots, price, fee, ts + 1)
        if policy.fee_to_fund and fee and not move_to_fund(out, unit, ts, FEE, slot.instrument, -1, -1, fee):
            return NO_ROOM
    return DONE


@compiled
def next_stop(market: Market, rest: Rest, end: int, policy: Terms, any_lte: int) -> int:
    """The first tick time before `end` at which something happens to the unit, NEVER without one."""
    state = rest.state[0]
    if not state.episode:
        if is_safe(market, rest, end, any_lte):
            return NEVER
        return first_hit(market, rest, state.cursor, end, policy.lte, BREACH)
    if policy.simulated:
        ts = next_tick(market, rest, max(state.cursor, state.triggered_at + policy.latency_us))
        return ts if ts < end else NEVER
    start = max(state.cursor, state.triggered_at + 1)
    return first_hit(market, rest, start, end, policy.lte, RECOVERY)


@compiled
def tick_step(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """The ticks of a time at which the search stopped: a trigger, a recovery, or a simulated execution."""
    state = rest.state[0]
    if not state.episode:
        open_episode(market, rest, ts, ts + 1, MARGIN, policy.simulated)
    elif not policy.simulated:
        equity = equity_before(market, rest, ts + 1)
        return DONE if end_episode(market, rest, out, unit, ts, RECOVERED, equity, 0) else NO_ROOM
    if not policy.simulated or ts < state.triggered_at + policy.latency_us:
        return DONE
    status = close_positions(market, rest, out, unit, ts, policy)
    if status == DONE:
        status = settle(market, bucket, rest, out, unit, ts, policy, True, True, False)
    return status
