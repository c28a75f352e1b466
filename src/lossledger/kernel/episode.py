"""A liquidation episode: why equity fell, cause by cause (rules.md sections 8 and 12).

What ticks change is not added up tick by tick: a position's uPnL is noted when something happens to it, and the
difference to the last note is what all ticks in between did.
"""

from lossledger.kernel.blocks import mark_before, mark_before_tick, tick_not_before
from lossledger.kernel.bounds import grows_out
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import sense, unrealised, worth
from lossledger.kernel.layout import (
    ACCOUNT_TRADING,
    BY_ADL,
    COMPONENTS,
    CUSHION,
    EPISODE_POSITIONS,
    EPISODES,
    EXECUTION,
    FEES,
    FUNDING,
    GAP_IN_CUSHION,
    GAP_PAST_BANKRUPTCY,
    HEADROOM,
    LATENCY,
    LIQUIDATION,
    MARKET_MOVE,
    NEVER,
    NONE,
    NORMAL,
    OPEN,
    OTHER_FLOWS,
    RECOVERED,
    WATCHED,
    Amount,
    Market,
    Out,
    Rest,
    Slot,
    State,
    Unit,
)
from lossledger.kernel.margin import margin_at

UNFIT = 1 << 62  # in `seen`: a sum that is too large, the reference has to replay the unit


@compiled
def add(slot: Slot, cause: int, amount: Amount) -> None:
    """An amount that enlarges the deficit; a cause that adds up to zero is told from one that never was."""
    slot.causes[cause] += amount
    slot.seen |= 1 << cause
    if grows_out(slot.causes[cause]):
        slot.causes[cause] = 0
        slot.seen |= UNFIT


@compiled
def begin_causes(rest: Rest) -> None:
    """Nothing has happened yet in the episode, and nothing was held at its start."""
    state = rest.state[0]
    for k in range(state.slots):
        slot = rest.slots[k]
        state.unfit |= slot.seen & UNFIT
        for cause in range(7):
            slot.causes[cause] = 0
        slot.seen = slot.held_at_start = slot.liquidation_fills = slot.liquidated = 0
        slot.filled = slot.filled_value = 0


@compiled
def open_episode(market: Market, rest: Rest, ts: int, before: int, trigger: int, simulated: int) -> None:
    """Equity and margin at ts, at the marks in force just before `before`, and what is held."""
    state = rest.state[0]
    begin_causes(rest)
    equity, margin = state.wallet, 0
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        slot.noted_tick = tick_not_before(market, terms, before)
        mark = mark_before_tick(market, terms, slot.noted_tick)
        value = worth(terms, slot, mark)
        slot.noted = sense(terms, slot.lots) * (value - slot.entry_value)
        slot.held_at_start, slot.start_lots, slot.start_entry_value = 1, slot.lots, slot.entry_value
        slot.start_mark, slot.start_margin = mark, margin_at(market, terms, value, ts)
        equity += slot.noted
        margin += slot.start_margin
    state.episode, state.carried, state.triggered_at, state.started_before = 1, 0, ts, before
    state.trigger, state.simulated, state.equity, state.margin = trigger, simulated, equity, margin
    state.first_execution_at = NONE
    state.liquidation_fees = state.other_flows = state.flowed = state.steps = state.last_step_at = 0


@compiled
def carry_on(market: Market, rest: Rest, given: Unit, start: int) -> None:
    """An episode that was open when the session before ended goes on: what follows is added up from zero."""
    state = rest.state[0]
    begin_causes(rest)
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        slot.noted_tick = tick_not_before(market, terms, start)
        slot.noted = unrealised(terms, slot, mark_before_tick(market, terms, slot.noted_tick))
    state.episode, state.carried, state.triggered_at, state.started_before = 1, 1, given.triggered_at, start
    state.first_execution_at = given.first_execution_at
    state.trigger = state.simulated = state.equity = state.margin = 0
    state.liquidation_fees = state.other_flows = state.flowed = state.steps = state.last_step_at = 0


@compiled
def note(market: Market, rest: Rest, slot: Slot, before: int) -> None:
    """What ticks up to just before a time did to a position: latency before the first liquidation fill."""
    terms = market.instruments[slot.instrument]
    tick = tick_not_before(market, terms, before)
    if tick == slot.noted_tick:
        return
    now = unrealised(terms, slot, mark_before_tick(market, terms, tick))
    first = rest.state[0].first_execution_at == NONE
    add(slot, LATENCY if first else MARKET_MOVE, slot.noted - now)
    slot.noted, slot.noted_tick = now, tick


@compiled
def note_all(market: Market, rest: Rest, before: int) -> None:
    """The same for everything that is held."""
    for h in range(rest.state[0].held):
        note(market, rest, rest.slots[rest.held[h]], before)


@compiled
def note_fill(
    market: Market,
    rest: Rest,
    slot: Slot,
    ts: int,
    kind: int,
    lots: int,
    value: Amount,
    fee: Amount,
    change: Amount,
) -> None:
    """A fill that has been applied: its change of equity at the mark in force, fee excluded, and its fee."""
    state = rest.state[0]
    if kind == NORMAL:
        add(slot, ACCOUNT_TRADING, -change)
        add(slot, FEES, fee)
        return
    add(slot, EXECUTION if kind == LIQUIDATION else BY_ADL, -change)
    add(slot, FEES, fee)
    if state.first_execution_at == NONE:
        state.first_execution_at = ts
    state.liquidation_fees += fee
    if grows_out(state.liquidation_fees):
        state.liquidation_fees = 0
        state.unfit = 1
    if slot.held_at_start == 0 and slot.liquidation_fills == 0:
        slot.start_lots = slot.start_entry_value = slot.start_margin = 0
        slot.start_mark = mark_before(market, market.instruments[slot.instrument], state.started_before)
    slot.liquidation_fills += 1
    slot.liquidated += lots
    slot.filled += abs(lots)
    slot.filled_value += value
    if slot.filled >= WATCHED or grows_out(slot.filled_value):
        slot.filled = slot.filled_value = slot.liquidated = 0
        slot.seen |= UNFIT


@compiled
def note_funding(slot: Slot, received: Amount) -> None:
    add(slot, FUNDING, -received)


@compiled
def note_flow(state: State, amount: Amount) -> None:
    """A transfer or a charge: what it did to the wallet."""
    state.other_flows -= amount
    state.flowed = 1


@compiled
def write_component(out: Out, component: int, instrument: int, amount: Amount) -> None:
    row = out.components[out.counts[COMPONENTS]]
    row.episode, row.component, row.instrument, row.amount = (
        out.counts[EPISODES],
        component,
        instrument,
        amount,
    )
    out.counts[COMPONENTS] += 1


@compiled
def write_start(out: Out, equity: Amount, margin: Amount) -> None:
    """Equity and margin at the trigger, cut into cushion, headroom and gaps."""
    always = out.episodes[out.counts[EPISODES]].end_reason == OPEN
    for component, amount in (
        (CUSHION, -margin),
        (HEADROOM, -max(0, equity - margin)),
        (GAP_IN_CUSHION, min(max(0, margin - equity), margin)),
        (GAP_PAST_BANKRUPTCY, max(0, -equity)),
    ):
        if amount or always:
            write_component(out, component, -1, amount)


@compiled
def has_room(rest: Rest, out: Out) -> bool:
    """Whether an episode of this unit fits into what is left of the tables."""
    slots = rest.state[0].slots
    return bool(
        out.counts[EPISODES] < len(out.episodes)
        and out.counts[COMPONENTS] + 7 * slots + 5 <= len(out.components)
        and out.counts[EPISODE_POSITIONS] + slots <= len(out.episode_positions)
    )


@compiled
def write_position(out: Out, slot: Slot) -> None:
    row = out.episode_positions[out.counts[EPISODE_POSITIONS]]
    row.episode, row.instrument, row.held_at_start = (
        out.counts[EPISODES],
        slot.instrument,
        slot.held_at_start,
    )
    row.lots, row.entry_value, row.mark, row.margin = (
        slot.start_lots,
        slot.start_entry_value,
        slot.start_mark,
        slot.start_margin,
    )
    row.liquidation_fills, row.liquidated = slot.liquidation_fills, slot.liquidated
    row.filled, row.filled_value = slot.filled, slot.filled_value
    out.counts[EPISODE_POSITIONS] += 1


@compiled
def end_episode(
    market: Market, rest: Rest, out: Out, unit: int, ts: int, reason: int, equity: Amount, surplus: Amount
) -> bool:
    """Write the episode as it ends, or as it stands at the end of the session; False when there is no room."""
    if not has_room(rest, out):
        return False
    note_all(market, rest, ts + 1 if ts < NEVER else NEVER)
    state = rest.state[0]
    row = out.episodes[out.counts[EPISODES]]
    row.unit, row.carried = unit, state.carried
    row.triggered_at, row.first_execution_at = state.triggered_at, state.first_execution_at
    row.ended_at, row.end_reason, row.trigger, row.simulated = ts, reason, state.trigger, state.simulated
    row.equity, row.margin, row.terminal_equity = state.equity, state.margin, equity
    row.liquidation_fees, row.surplus = state.liquidation_fees, surplus
    row.steps, row.last_step_at = state.steps, state.last_step_at
    row.deficit = 0 if reason in (RECOVERED, OPEN) else max(0, -equity)
    zeros = reason == OPEN or state.carried
    if not state.carried:
        write_start(out, state.equity, state.margin)
    if state.other_flows or (state.flowed and zeros):
        write_component(out, OTHER_FLOWS, -1, state.other_flows)
    for k in range(state.slots):
        slot = rest.slots[k]
        state.unfit |= slot.seen & UNFIT
        for cause in range(7):
            if slot.causes[cause] or (zeros and slot.seen >> cause & 1):
                write_component(out, cause, slot.instrument, slot.causes[cause])
        if slot.held_at_start or slot.liquidation_fills:
            write_position(out, slot)
    out.counts[EPISODES] += 1
    state.episode = 0
    return True
