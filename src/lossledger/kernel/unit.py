"""One risk unit over one session (rules.md sections 3 to 9): compiled, as engine/rules/order.py and units.py say it.

Time goes from one event of the unit (transfer, fill, charge, funding of what it holds, snapshot, change of policy) to
the next. The ticks between two of them matter only where they trigger the unit, end its episode or close it.
"""

from lossledger.kernel.bounds import slot_of
from lossledger.kernel.changes import has_changed, tell
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import value_of
from lossledger.kernel.episode import carry_on, note_flow, note_funding
from lossledger.kernel.fills import recorded_fill
from lossledger.kernel.holding import hold, keep_bound
from lossledger.kernel.layout import (
    DONE,
    NEVER,
    NO_ROOM,
    NONE,
    NORMAL,
    REFUSED,
    Amount,
    Bucket,
    Market,
    Out,
    Rest,
    State,
    Terms,
    Unit,
)
from lossledger.kernel.liquidation import next_stop, tick_step
from lossledger.kernel.report import finish, snapshot
from lossledger.kernel.settlement import settle
from lossledger.kernel.wide import half_even

_E18 = 10**18


@compiled
def fund(market: Market, rest: Rest, ts: int) -> bool:
    """Funding of ts on what is held: whether there was any."""
    state = rest.state[0]
    touched = False
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        if slot.next_funding == terms.funding_to or market.funding[slot.next_funding].ts != ts:
            continue
        event = market.funding[slot.next_funding]
        slot.next_funding += 1
        amount = half_even(value_of(terms, abs(slot.lots), event.price), abs(event.rate_e18), _E18)
        received = -amount if (slot.lots > 0) == (event.rate_e18 > 0) else amount
        state.wallet += received
        state.funding += received
        slot.funding += received
        slot.funding_events += 1
        touched, state.active = True, 1
        if state.episode:
            note_funding(slot, received)
    return touched


@compiled
def funding_time(market: Market, rest: Rest) -> int:
    """When the next funding of something held is."""
    first = NEVER
    for h in range(rest.state[0].held):
        slot = rest.slots[rest.held[h]]
        if slot.next_funding < market.instruments[slot.instrument].funding_to:
            first = min(first, market.funding[slot.next_funding].ts)
    return first


@compiled
def move(state: State, amount: Amount) -> None:
    """A transfer or a charge, as it changes the wallet."""
    state.wallet += amount
    state.active = 1
    if state.episode:
        note_flow(state, amount)


@compiled
def own_step(
    market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, policy: Terms, house: bool
) -> int:
    """All events of the unit's own of one timestamp, in the order of section 4, and what follows from them."""
    state, given = rest.state[0], bucket.units[unit]
    liquidator = bucket.accounts[given.account].liquidator != 0
    touched = filled = False
    if state.charge_at == ts:
        state.charged += given.charge
        move(state, -given.charge)
        state.charge_at = NEVER
        touched = True
    while state.transfer_from < given.transfer_to and bucket.transfer_ts[state.transfer_from] == ts:
        amount = bucket.transfer_amount[state.transfer_from]
        state.transfers += amount
        move(state, amount)
        state.transfer_from += 1
        touched = True
    while state.fill_from < given.fill_to and bucket.fill_ts[state.fill_from] == ts:
        row = state.fill_from
        state.fill_from += 1
        if policy.simulated and (bucket.fill_kind[row] != NORMAL or liquidator):
            continue
        status = recorded_fill(market, bucket, rest, out, unit, row, policy, house)
        if status != DONE:
            return status
        touched = filled = True
    touched |= fund(market, rest, ts)
    return settle(market, bucket, rest, out, unit, ts, policy, touched, filled, house)


@compiled
def begin(market: Market, bucket: Bucket, rest: Rest, unit: int) -> bool:
    """The unit's state at the start of the session; False for a position without a margin table."""
    given = bucket.units[unit]
    for k in range(given.position_from, given.position_to):
        position = bucket.positions[k]
        slot = slot_of(rest, position.instrument)
        if not hold(market, rest, slot, bucket.start):
            return False
        slot.lots, slot.entry_value = position.lots, position.entry_value
        keep_bound(market, rest, slot, bucket.start)
    if given.carried:
        carry_on(market, rest, given, bucket.start)
    return True


@compiled
def own_time(market: Market, bucket: Bucket, rest: Rest, given: Unit) -> int:
    """When the next event of the unit's own is."""
    state = rest.state[0]
    ts = min(state.charge_at, funding_time(market, rest))
    if state.transfer_from < given.transfer_to:
        ts = min(ts, bucket.transfer_ts[state.transfer_from])
    if state.fill_from < given.fill_to:
        ts = min(ts, bucket.fill_ts[state.fill_from])
    return ts


@compiled
def end_of_stretch(market: Market, bucket: Bucket, rest: Rest, given: Unit, ts: int) -> int:
    """Up to where ticks are looked at: an own event, new terms, or just after the instant of a snapshot."""
    state = rest.state[0]
    if state.terms + 1 < len(market.terms):
        ts = min(ts, market.terms[state.terms + 1].valid_from)
    if state.snapshot_from < given.snapshot_to:
        ts = min(ts, bucket.snapshot_ts[state.snapshot_from] + 1)
    return ts


@compiled
def go_to(
    market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, end: int, house: bool
) -> int:
    """The end of a stretch: new terms, then a snapshot of the instant before, or else the own events of ts."""
    state, given = rest.state[0], bucket.units[unit]
    state.cursor = end
    while state.terms + 1 < len(market.terms) and market.terms[state.terms + 1].valid_from <= end:
        state.terms += 1
    if state.snapshot_from < given.snapshot_to and bucket.snapshot_ts[state.snapshot_from] + 1 == end:
        state.snapshot_from += 1
        return DONE if snapshot(market, rest, out, unit, end) else NO_ROOM
    if ts != end:
        return DONE
    if not tell(bucket, rest, out, unit, ts):
        return NO_ROOM
    status = own_step(market, bucket, rest, out, unit, ts, market.terms[state.terms], house)
    has_changed(bucket, state, ts)
    return status


@compiled
def replay_unit(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, any_lte: int) -> int:
    """Take a unit through the session."""
    state, given = rest.state[0], bucket.units[unit]
    house = bucket.accounts[given.account].house != 0
    if house:
        state.horizon = NONE  # never triggered, so there is nothing to look ahead for
    if not begin(market, bucket, rest, unit):
        return REFUSED
    status = DONE
    while status == DONE:
        policy = market.terms[state.terms]
        ts = own_time(market, bucket, rest, given)
        end = end_of_stretch(market, bucket, rest, given, ts)
        stop = NEVER
        if state.held and not house:
            stop = next_stop(market, rest, end, policy, any_lte)
        if stop < end:
            if not tell(bucket, rest, out, unit, stop):
                return NO_ROOM
            status = tick_step(market, bucket, rest, out, unit, stop, policy)
            has_changed(bucket, state, stop)
            state.cursor = stop + 1
        elif end < NEVER:
            status = go_to(market, bucket, rest, out, unit, ts, end, house)
        else:
            break
    if status == DONE and not (
        tell(bucket, rest, out, unit, NEVER) and finish(market, bucket, rest, out, unit)
    ):
        return NO_ROOM
    return REFUSED if state.unfit else status
