"""A unit that is taken over on the fund's account (rules.md section 15)."""

from lossledger.kernel.blocks import mark_before
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import sense, unrealised, value_of
from lossledger.kernel.episode import add, note_all, note_execution
from lossledger.kernel.holding import let_go, watch_cash
from lossledger.kernel.layout import (
    BY_TAKEOVER,
    DONE,
    EPISODES,
    NEVER,
    NO_ROOM,
    REFUSED,
    TAKEN,
    Amount,
    Bucket,
    Market,
    Out,
    Rest,
    Slot,
    Terms,
)
from lossledger.kernel.margin import margin_at
from lossledger.kernel.search import equity_before
from lossledger.kernel.wide import divided

BY_MARGIN, BY_VALUE, TO_FIRST = range(3)  # how what a unit is worth is split over its positions


@compiled
def margin_of(market: Market, slot: Slot, ts: int, rule: int) -> int:
    """Maintenance margin of a position after the ticks of ts."""
    terms = market.instruments[slot.instrument]
    value = value_of(terms, abs(slot.lots), mark_before(market, terms, ts + 1))
    return margin_at(market, terms, value, abs(slot.lots), ts, rule)


@compiled
def is_below_backstop(market: Market, rest: Rest, ts: int, policy: Terms) -> bool:
    """Whether equity + debt is below the policy's share of the maintenance margin; every position has a mark."""
    state = rest.state[0]
    worth = equity_before(market, rest, ts + 1) + state.debt
    if worth < 0:
        return True
    margin = worth - worth
    for h in range(state.held):
        margin += margin_of(market, rest.slots[rest.held[h]], ts, policy.margin_rule)
    # worth × denominator < numerator × margin, by quotient and rest: the products may not fit
    whole, part = divided(margin, policy.backstop_numerator, policy.backstop_denominator)
    return worth < whole or (worth == whole and part > 0)


@compiled
def take_over(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """The whole unit goes to the fund: each position at its value at the mark, less its part of what the unit is worth.

    Afterwards the unit is flat and worth −debt; one that is not protected keeps what it is below that.
    """
    state = rest.state[0]
    if out.counts[TAKEN] + state.held > len(out.taken):
        return NO_ROOM
    account = bucket.accounts[bucket.units[unit].account]
    k = account.version_to - 1
    while k >= account.version_from and bucket.versions[k].valid_from > ts:
        k -= 1
    if k < account.version_from:
        return REFUSED  # unknown before its first version: a data error that the reference reports
    worth = equity_before(market, rest, ts + 1) + state.debt
    if worth < 0 and bucket.versions[k].protected == 0:
        worth = worth - worth
    note_all(market, rest, ts + 1)
    split_worth(market, rest, ts, policy, worth)
    while state.held > 0:
        give_up(market, rest, out, unit, ts, first_held(rest))
    watch_cash(state)
    state.active = 1
    return DONE


@compiled
def first_held(rest: Rest) -> Slot:
    """Of what is held, the position in the smallest instrument."""
    best, instrument = 0, NEVER
    for h in range(rest.state[0].held):
        slot = rest.slots[rest.held[h]]
        if slot.instrument < instrument:
            best, instrument = rest.held[h], slot.instrument
    return rest.slots[best]


@compiled
def weight_of(market: Market, slot: Slot, ts: int, rule: int, by: int) -> int:
    """The weight of a position in a split."""
    if by == BY_MARGIN:
        return margin_of(market, slot, ts, rule)
    terms = market.instruments[slot.instrument]
    return value_of(terms, abs(slot.lots), mark_before(market, terms, ts + 1))


@compiled
def split_worth(market: Market, rest: Rest, ts: int, policy: Terms, worth: Amount) -> None:
    """What the unit is worth, over its positions by largest remainder, ties to the smaller instrument: in `part`."""
    state, by, total = rest.state[0], BY_MARGIN, worth - worth
    while by != TO_FIRST:
        total = worth - worth
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            slot.part = weight_of(market, slot, ts, policy.margin_rule, by)
            total += slot.part
        if total:
            break
        by += 1
    size = abs(worth)
    if by == TO_FIRST:
        for h in range(state.held):
            rest.slots[rest.held[h]].part = 0
        first = first_held(rest)
        first.part = worth
        return
    left = size
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        slot.part, slot.fraction = multiplied(size, slot.part, total)
        left -= slot.part
    while left > 0:
        one = largest_fraction(rest)
        one.part += 1
        one.fraction = -1
        left -= 1
    if worth < 0:
        for h in range(state.held):
            slot = rest.slots[rest.held[h]]
            slot.part = -slot.part


@compiled
def largest_fraction(rest: Rest) -> Slot:
    """Of what is held, the position with the largest fraction left; of equal ones that of the smaller instrument."""
    best = rest.held[0]
    for h in range(1, rest.state[0].held):
        mine, other = rest.slots[rest.held[h]], rest.slots[best]
        if mine.fraction > other.fraction or (
            mine.fraction == other.fraction and mine.instrument < other.instrument
        ):
            best = rest.held[h]
    return rest.slots[best]


@compiled
def multiplied(a: Amount, b: Amount, divisor: Amount) -> tuple[Amount, Amount]:
    """a × b / divisor rounded down, and the rest, for b ≤ divisor: bit by bit, since both factors may be amounts.

    A quotient and a rest are doubled for each bit of b, and added where the bit is 1 (Russian multiplication).
    """
    zero = a - a
    quotient, remainder = zero, zero
    step, over = quotient_of(a, divisor)
    while b > 0:
        if b & 1:
            quotient += step
            remainder += over
            if remainder >= divisor:
                remainder -= divisor
                quotient += 1
        b = half(b)
        if b > 0:
            step += step
            over += over
            if over >= divisor:
                over -= divisor
                step += 1
    return quotient, remainder


@compiled
def half(a: Amount) -> int:
    return divided(a, 1, 2)[0]


@compiled
def quotient_of(a: Amount, divisor: Amount) -> tuple[Amount, Amount]:
    """a / divisor, rounded down, and the rest; both may be amounts."""
    zero = a - a
    if a < divisor:
        return zero, a
    quotient, part, multiple = zero, zero + 1, divisor
    while multiple <= a - multiple:
        multiple += multiple
        part += part
    rest = a
    while part > 0:
        if rest >= multiple:
            rest -= multiple
            quotient += part
        part, multiple = half(part), half(multiple)
    return quotient, rest


@compiled
def give_up(market: Market, rest: Rest, out: Out, unit: int, ts: int, slot: Slot) -> None:
    """A position goes to the fund at V − s·d·part, without a price and a fee; it counts as a liquidation fill."""
    state, terms = rest.state[0], market.instruments[slot.instrument]
    mark = mark_before(market, terms, ts + 1)
    up, lots = sense(terms, slot.lots), slot.lots
    value = value_of(terms, abs(lots), mark) - up * slot.part
    realised = up * (value - slot.entry_value)
    change = realised - unrealised(terms, slot, mark)
    state.wallet += realised
    state.realised_pnl += realised
    row = out.taken[out.counts[TAKEN]]
    out.counts[TAKEN] += 1
    row.unit, row.ts, row.instrument, row.lots, row.value = unit, ts, slot.instrument, lots, value
    row.mark, row.episode, row.terms = mark, out.counts[EPISODES], state.terms
    if state.episode:
        add(slot, BY_TAKEOVER, -change)
        note_execution(market, rest, slot, ts, -lots, value)
    slot.lots = slot.entry_value = slot.noted = 0
    let_go(rest, slot)
