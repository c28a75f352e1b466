"""What a unit holds, and how a fill changes it (rules.md section 5)."""

from lossledger.kernel.blocks import tick_not_before
from lossledger.kernel.bounds import grows_out
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import apply_fill
from lossledger.kernel.layout import NONE, Amount, Instrument, Market, Rest, Slot, State
from lossledger.kernel.margin import table_at
from lossledger.kernel.search import bound_to_the_horizon, know_extremes


@compiled
def next_funding(market: Market, terms: Instrument, ts: int) -> int:
    """The index of the instrument's first funding event not before ts."""
    a, b = terms.funding_from, terms.funding_to
    while a < b:
        middle = (a + b) >> 1
        if market.funding[middle].ts < ts:
            a = middle + 1
        else:
            b = middle
    return a


@compiled
def hold(market: Market, rest: Rest, slot: Slot, ts: int) -> bool:
    """A position begins; False without an effective margin table, which is a data error the reference reports."""
    terms = market.instruments[slot.instrument]
    if table_at(market, terms, ts) < terms.table_from:
        return False
    state = rest.state[0]
    slot.place = state.held
    rest.held[state.held] = rest.place_of[slot.instrument]
    state.held += 1
    slot.next_funding = next_funding(market, terms, ts)
    if state.horizon != NONE and slot.known_to != state.horizon:
        know_extremes(market, terms, slot, ts, state.horizon)
    slot.bound = 0
    if state.episode:
        slot.noted, slot.noted_tick = 0, tick_not_before(market, terms, ts)
    return True


@compiled
def keep_bound(market: Market, rest: Rest, slot: Slot, ts: int) -> None:
    """The bound that is kept with a position, and the sum of all; a house unit, which looks nowhere ahead, has none."""
    state = rest.state[0]
    if state.horizon == NONE:
        return
    terms = market.instruments[slot.instrument]
    state.bound -= slot.bound
    slot.bound = bound_to_the_horizon(market, terms, slot, ts, state.horizon)
    state.bound += slot.bound


@compiled
def watch_cash(state: State) -> None:
    """What fills earn and cost is not bounded before they are applied (kernel/bounds.py)."""
    largest = max(abs(state.wallet), abs(state.realised_pnl), abs(state.fees))
    if grows_out(largest):
        state.wallet = state.realised_pnl = state.fees = 0
        state.unfit = 1


@compiled
def let_go(rest: Rest, slot: Slot) -> None:
    """A position has ended: the last of those held takes its place."""
    state = rest.state[0]
    state.bound -= slot.bound
    state.held -= 1
    last = rest.held[state.held]
    rest.held[slot.place] = last
    rest.slots[last].place = slot.place
    slot.place, slot.bound = -1, 0


@compiled
def change_position(
    market: Market, rest: Rest, slot: Slot, ts: int, lots: int, value: Amount, fee: Amount
) -> int:
    """Book a fill on the position and the wallet: the realised PnL."""
    terms = market.instruments[slot.instrument]
    state = rest.state[0]
    realised = apply_fill(terms, slot, lots, value)
    state.wallet += realised - fee
    state.realised_pnl += realised
    state.fees += fee
    watch_cash(state)
    state.active = 1
    if slot.lots == 0:
        let_go(rest, slot)
    else:
        keep_bound(market, rest, slot, ts)
    return realised
