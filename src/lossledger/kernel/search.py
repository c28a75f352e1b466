"""When a unit is triggered, or recovers: found without looking at every tick (rules.md sections 7 and 8).

Between two events of a unit its positions stand still, so equity − margin moves with the marks alone, and the part
of each position is monotone in its mark: value − margin never falls when the value rises, since no margin rate is
above 1. Over a stretch of ticks the sum of the parts at each position's worst mark is a bound (of one position a
tight one). Where it does not exclude what is looked for, the stretch is halved, and a few ticks are decided exactly.
"""

from lossledger.kernel.blocks import extremes, mark_before, mark_before_tick, tick_not_before, time_of
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import sense, unrealised, value_of, worth
from lossledger.kernel.layout import NEVER, WHOLE, Instrument, Ints, Market, Rest, Slot
from lossledger.kernel.margin import margin_at, margin_over

FEW = 32  # ticks of one instrument that are looked at one by one; one that moves no mark costs little
BREACH, RECOVERY = 1, -1  # what is looked for
DAY = 86_400_000_000  # microseconds


@compiled
def edge(
    market: Market, terms: Instrument, slot: Slot, low: int, high: int, start: int, end: int, sought: int
) -> int:
    """A bound on uPnL − MM of a position over marks within [low, high]: from below (BREACH) or above (RECOVERY).

    It is the worst or best there is, but where margin is on the whole position: such a margin leaps at the floor of a
    tier, so its own extreme over all values is taken.
    """
    up = sense(terms, slot.lots)
    smallest_value = (up > 0) == (sought > 0)
    mark = low if smallest_value == (terms.direction > 0) else high
    value, size = value_of(terms, abs(slot.lots), mark), abs(slot.lots)
    margined = value
    if market.terms[0].margin_rules & WHOLE and up > 0:
        margined = value_of(terms, size, high if mark == low else low)
    return up * (value - slot.entry_value) - margin_over(
        market, terms, margined, size, start, end, sought > 0
    )


@compiled
def part(market: Market, terms: Instrument, slot: Slot, mark: int, ts: int, rule: int) -> int:
    """uPnL − MM of a position at a mark (0: none) and a time, by a rule of margin."""
    value = worth(terms, slot, mark)
    margin = margin_at(market, terms, value, abs(slot.lots), ts, rule)
    return sense(terms, slot.lots) * (value - slot.entry_value) - margin


@compiled
def bound_to_the_horizon(market: Market, terms: Instrument, slot: Slot, ts: int, horizon: int) -> int:
    """The least part of a position from just before the ticks of ts to the horizon, by the extremes it knows.

    Without any mark the unit cannot be triggered, and any number will do.
    """
    if slot.low_mark > slot.high_mark:
        return 0
    return edge(market, terms, slot, slot.low_mark, slot.high_mark, ts, horizon, BREACH)


@compiled
def know_extremes(market: Market, terms: Instrument, slot: Slot, ts: int, horizon: int) -> None:
    """The extremes of the marks in force from just before the ticks of ts to just before the horizon."""
    slot.known_to = horizon
    tick = tick_not_before(market, terms, ts)
    last = terms.tick_to if horizon == NEVER else tick_not_before(market, terms, horizon)
    low, high = NEVER, 0
    before = mark_before_tick(market, terms, tick)
    if before:
        low = high = before
    slot.low_mark, slot.high_mark = extremes(market, terms, tick, last, low, high)


@compiled
def look_ahead(market: Market, rest: Rest, horizon: int) -> int:
    """Know the extremes of everything held up to a new horizon: the least equity − margin can be until then."""
    state = rest.state[0]
    state.horizon, state.bound = horizon, 0
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        know_extremes(market, terms, slot, state.cursor, horizon)
        slot.bound = bound_to_the_horizon(market, terms, slot, state.cursor, horizon)
        state.bound += slot.bound
    return state.wallet + state.bound


@compiled
def is_safe(market: Market, rest: Rest, end: int, least: int) -> bool:
    """Whether equity − margin stays at `least` or more until `end`, whatever the ticks, by bounds alone.

    First by the bounds that are kept with the positions, which only ever are too careful, then by fresh ones. They
    reach to a horizon: the end of the session while that will do, else as far ahead as it lately did, so that a unit
    near its margin is not searched anew at each of its events.
    """
    state = rest.state[0]
    if state.horizon >= end and state.wallet + state.bound >= least:
        return True
    ahead = state.ahead
    while ahead == NEVER or state.cursor + ahead > end:
        horizon = NEVER if ahead == NEVER else state.cursor + ahead
        if look_ahead(market, rest, horizon) >= least:
            state.ahead = ahead if ahead == NEVER else min(2 * ahead, DAY)
            return True
        if end == NEVER:
            break
        ahead = DAY // 2 if ahead == NEVER else ahead // 8
    state.ahead = max(1, ahead * 2)
    return False


@compiled
def all_marked_from(market: Market, rest: Rest, start: int) -> int:
    """The first time from `start` on at which every held instrument has a mark."""
    for h in range(rest.state[0].held):
        terms = market.instruments[rest.slots[rest.held[h]].instrument]
        if terms.opening_mark == 0:
            start = max(start, time_of(market, terms, terms.tick_from))
    return start


@compiled
def next_tick(market: Market, rest: Rest, start: int) -> int:
    """The time of the first tick of a held instrument from `start` on."""
    first = NEVER
    for h in range(rest.state[0].held):
        terms = market.instruments[rest.slots[rest.held[h]].instrument]
        first = min(first, time_of(market, terms, tick_not_before(market, terms, start)))
    return first


@compiled
def scan(market: Market, rest: Rest, start: int, end: int, least: int, sought: int) -> int:
    """`first_hit` tick by tick, with every held instrument marked and standing at its first tick from start on."""
    state = rest.state[0]
    rule = market.terms[state.terms].margin_rule
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        slot.term = part(market, terms, slot, mark_before_tick(market, terms, slot.scan), start, rule)
    ts = start
    while ts < end:
        total, following = state.wallet, NEVER
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            terms = market.instruments[slot.instrument]
            moved = False
            if time_of(market, terms, slot.scan) == ts:
                moved = slot.scan == terms.tick_from or market.mark[slot.scan] != market.mark[slot.scan - 1]
                slot.scan += 1
            if moved or terms.table_to - terms.table_from > 1:
                slot.term = part(market, terms, slot, mark_before_tick(market, terms, slot.scan), ts, rule)
            total += slot.term
            following = min(following, time_of(market, terms, slot.scan))
        if (total < least) if sought > 0 else (total >= least):
            return ts
        ts = following
    return NEVER


@compiled
def first_hit(market: Market, rest: Rest, start: int, end: int, least: int, sought: int) -> int:
    """The first tick time in [start, end) with equity − margin < least (BREACH) or ≥ least (RECOVERY), else NEVER."""
    stack: Ints = rest.stack
    state = rest.state[0]
    start = all_marked_from(market, rest, start)
    stack[0], stack[1] = start, end
    depth = 1 if start < end else 0
    while depth > 0:
        depth -= 1
        start, end = stack[2 * depth], stack[2 * depth + 1]
        first, most, middle = NEVER, 0, 0
        timeline, a, b = -1, 0, 0
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            terms = market.instruments[slot.instrument]
            if terms.timeline != timeline:
                timeline = terms.timeline
                a = tick_not_before(market, terms, start)
                b = tick_not_before(market, terms, end) - terms.tick_from
                a -= terms.tick_from
            slot.scan, slot.scan_to = terms.tick_from + a, terms.tick_from + b
            if slot.scan < slot.scan_to:
                first = min(first, time_of(market, terms, slot.scan))
                if slot.scan_to - slot.scan > most:
                    most = slot.scan_to - slot.scan
                    middle = time_of(market, terms, slot.scan + (most >> 1))
        if most == 0:
            continue
        total = state.wallet
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            terms = market.instruments[slot.instrument]
            low, high = NEVER, 0
            if slot.scan == slot.scan_to or time_of(market, terms, slot.scan) > first:
                low = high = mark_before_tick(market, terms, slot.scan)
            low, high = extremes(market, terms, slot.scan, slot.scan_to, low, high)
            total += edge(market, terms, slot, low, high, first, end, sought)
        if (total >= least) if sought > 0 else (total < least):
            continue
        if most <= FEW:
            hit = scan(market, rest, first, end, least, sought)
            if hit < NEVER:
                return hit
            continue
        stack[2 * depth], stack[2 * depth + 1] = middle, end
        stack[2 * depth + 2], stack[2 * depth + 3] = first, middle
        depth += 2
    return NEVER


@compiled
def equity_before(market: Market, rest: Rest, ts: int) -> int:
    """W + Σ uPnL at the marks in force just before ts."""
    equity = rest.state[0].wallet
    for h in range(rest.state[0].held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        equity += unrealised(terms, slot, mark_before(market, terms, ts))
    return equity
