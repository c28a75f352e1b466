"""Liquidations that the recomputation executes: step by step to the market, or to the fund (rules.md section 8)."""

from lossledger.kernel.blocks import tick_not_before, time_of
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import value_of
from lossledger.kernel.episode import note_fee
from lossledger.kernel.fills import fill, move_to_fund
from lossledger.kernel.holding import watch_cash
from lossledger.kernel.layout import (
    BACKSTOP,
    DONE,
    FEE,
    LIQUIDATION,
    NEVER,
    NO_ROOM,
    REFUSED,
    TAKEOVER,
    Amount,
    Bucket,
    Instrument,
    Market,
    Out,
    Rest,
    Slot,
    State,
    Terms,
)
from lossledger.kernel.search import all_marked_from, equity_before, next_tick
from lossledger.kernel.settlement import settle
from lossledger.kernel.takeover import is_below_backstop, take_over
from lossledger.kernel.wide import ceiling, divided, half_even

_E18 = 10**18


@compiled
def next_execution(market: Market, rest: Rest, policy: Terms) -> int:
    """The first tick time from the cursor on at which something may be closed or taken over."""
    state = rest.state[0]
    start = max(state.cursor, state.triggered_at + policy.latency_us)
    if policy.style == TAKEOVER:
        return next_tick(market, rest, max(start, all_marked_from(market, rest, start)))
    if policy.style != BACKSTOP:
        start = max(start, rested_from(state, policy))
    return next_tick(market, rest, start)


@compiled
def rested_from(state: State, policy: Terms) -> int:
    """When the next step may be made: after the cool-down, and later than the step before."""
    if state.steps == 0:
        return state.triggered_at
    return state.last_step_at + max(1, policy.cooldown_us)


@compiled
def execute(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """What is due at a tick of an open episode, and what follows from it."""
    state, status = rest.state[0], DONE
    if ts < state.triggered_at + policy.latency_us:
        return DONE
    taken = policy.style == TAKEOVER
    if policy.style != 0:
        marked = all_marked_from(market, rest, ts) == ts
        if policy.style == BACKSTOP:
            taken = marked and is_below_backstop(market, rest, ts, policy)
        elif not marked:
            return DONE
    if taken:
        status = take_over(market, bucket, rest, out, unit, ts, policy)
    elif ts < rested_from(state, policy):
        return DONE
    else:
        status = close_step(market, rest, out, unit, ts, policy)
    if status == DONE:
        status = settle(market, bucket, rest, out, unit, ts, policy, True, True, False)
    return status


@compiled
def close_step(market: Market, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """Close the step's share of everything that has a tick here, in the order of instruments."""
    state = rest.state[0]
    step = policy.step_from + min(state.steps, policy.steps - 1)
    after = -1
    while True:
        place, instrument = -1, NEVER
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            if after < slot.instrument < instrument:
                terms = market.instruments[slot.instrument]
                if time_of(market, terms, tick_not_before(market, terms, ts)) == ts:
                    place, instrument = rest.held[h], slot.instrument
        if place < 0:
            break
        after = instrument
        status = close_position(
            market, rest, out, unit, ts, policy, rest.slots[place], market.step_shares_e18[step]
        )
        if status != DONE:
            return status
    state.steps += 1
    state.last_step_at = ts
    return DONE


@compiled
def close_position(
    market: Market, rest: Rest, out: Out, unit: int, ts: int, policy: Terms, slot: Slot, share_e18: int
) -> int:
    """A simulated fill, and its fee, which may be limited by what the fill left."""
    state, terms = rest.state[0], market.instruments[slot.instrument]
    tick = tick_not_before(market, terms, ts)
    price = closing_price(market, terms, slot.lots, tick, policy.slippage_e18, ts)
    lots = lots_to_close(market, terms, slot, share_e18, market.mark[tick], ts, state.terms)
    if price == 0 or lots == 0:
        return REFUSED
    rate = policy.fee_rate_e18
    fee = half_even(value_of(terms, lots, price), abs(rate), _E18)
    fee = fee if rate >= 0 else -fee
    signed = -lots if slot.lots > 0 else lots
    fill(market, rest, out, unit, ts, -1, slot, LIQUIDATION, signed, price, fee - fee, ts + 1)
    if policy.fee_capped:
        fee = min(fee, max(0, equity_before(market, rest, ts + 1)))
    pay_fee(state, slot, fee)
    if policy.fee_to_fund and fee and not move_to_fund(out, unit, ts, FEE, slot.instrument, -1, -1, fee):
        return NO_ROOM
    return DONE


@compiled
def pay_fee(state: State, slot: Slot, fee: Amount) -> None:
    """The fee of a simulated fill, which was applied without one."""
    state.wallet -= fee
    state.fees += fee
    watch_cash(state)
    note_fee(state, slot, fee)


@compiled
def lots_to_close(
    market: Market, terms: Instrument, slot: Slot, share_e18: int, mark: int, ts: int, policy: int
) -> int:
    """The smallest multiple of the lot size that is ≥ share × |Q|, at most |Q|; 0 without a lot size in force.

    All of it where the position is worth no more than `liquidation_partial_above`.
    """
    size = abs(slot.lots)
    place = policy * len(market.instruments) + slot.instrument
    if share_e18 == _E18 or value_of(terms, size, mark) <= market.closed_in_full[place]:
        return size
    k = terms.lot_size_to - 1
    while k >= terms.lot_size_from and market.lot_sizes[k].valid_from > ts:
        k -= 1
    if k < terms.lot_size_from:
        return 0
    step = market.lot_sizes[k].size
    wanted = (ceiling(size, share_e18, _E18) + step - 1) // step * step
    return min(size, wanted)


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
