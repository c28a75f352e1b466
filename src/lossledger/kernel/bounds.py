"""The proof that a unit fits into 63 bits, made before it is replayed.

The reach of a unit bounds every amount that can occur in it but for its cash, up to a factor below 16. It adds up what
the unit starts with, what is transferred and paid in fees, and per instrument two bounds: of the entry value (at most
the largest position at the dearest fill price), and of the largest position at the dearest price of the session, with
funding and a liquidation's fee on it. Positions are walked through: where fills are applied as delivered they are the
sums of the quantities, and where a simulated liquidation may close what is held at any time they are the difference of
two of these sums. So a market maker who trades to and fro stays small, whatever is turned over in a day.

What is left (the cash and fees of all fills, causes of an episode, resets, debts: sums of parts of these) is watched
where it is added up (kernel/holding.py and others): below 2^61, which with 16 times a reach is below 2^63. A unit whose
reach is not below its limit, of which a sum grows too large, or that touches an instrument whose prices do not fit, is
refused, and the reference replays it.

A house unit has neither margins nor episodes, so nothing multiplies its reach and it may come up to HOUSE_LIMIT. That
is room for positions of 2^60 ledger units, 10^10 where the unit is 10^-8.
"""

from typing import Any

import numpy as np

from lossledger.kernel.compiler import compiled, wider
from lossledger.kernel.layout import NORMAL, WATCHED, Amount, Bucket, Instrument, Market, Rest, Slot, Unit
from lossledger.kernel.wide import added, at_most, of_words

_E18 = 10**18
LIMIT = 1 << 58  # the reach of a unit stays below it, and sums of several amounts below 2^62
HOUSE_LIMIT = (1 << 62) - 1  # two such amounts add up to less than 2^63
# Limits of amounts of 128 bits: what is 2^58, 2^62 and 2^61 above is 2^116, 2^120 and 2^121 there; their high words.
_LIMIT, _HOUSE_LIMIT, _WATCHED = np.uint64(1 << 52), np.uint64(1 << 56), np.uint64(1 << 57)
_NOTHING = np.uint64(0)


@compiled
def limit_of(house: bool, like: Amount) -> int:
    """What the reach of a unit stays below."""
    return HOUSE_LIMIT if house else LIMIT


@wider(limit_of)
def _limit_of(house: bool, like: Amount) -> int:
    return of_words(_HOUSE_LIMIT if house else _LIMIT, _NOTHING)


@compiled
def grows_out(amount: Amount) -> bool:
    """Whether an amount that is added up without a bound known before has become too large to go on."""
    return not -WATCHED < amount < WATCHED


@wider(grows_out)
def _grows_out(amount: Amount) -> bool:
    return abs(amount) >= of_words(_WATCHED, _NOTHING)


@compiled
def value_at_most(terms: Instrument, lots: int, price: int, limit: Amount) -> int:
    """V(q, p) rounded up, or the limit."""
    if terms.direction > 0:
        return at_most(lots, price * terms.factor, terms.other, limit)
    return at_most(lots, terms.other, price * terms.factor, limit)


@compiled
def largest_fee_rate(market: Market) -> int:
    """Of simulated liquidations, in 10^-18; -1 when nothing is simulated."""
    rate = -1
    for k in range(len(market.terms)):
        if market.terms[k].simulated:
            rate = max(rate, abs(market.terms[k].fee_rate_e18))
    return rate


@compiled
def slot_of(rest: Rest, instrument: int) -> Any:
    """The unit's slot of an instrument, made when it is met for the first time."""
    place = rest.place_of[instrument]
    if place < 0:
        state = rest.state[0]
        place = rest.place_of[instrument] = state.slots
        state.slots += 1
        slot = rest.slots[place]
        slot.instrument, slot.place = instrument, -1
        slot.walked_lots = slot.highest_lots = slot.lowest_lots = slot.most_lots = slot.dearest = 0
        slot.lots = slot.entry_value = slot.funding = slot.funding_events = slot.seen = 0
        slot.told_lots = slot.told_entry_value = 0
        slot.known_to = -1
    return rest.slots[place]


@compiled
def may_be_closed(market: Market, house: bool) -> bool:
    """Whether something else than a fill of the venue's can change a position: a simulated liquidation."""
    simulated = 0
    for k in range(len(market.terms)):
        simulated += market.terms[k].simulated
    return simulated > 0 and not house


@compiled
def walk(slot: Slot, closed: bool, lots: int) -> None:
    """Add a quantity to the sums of an instrument, and find the largest position; `closed`: it may be, at any time."""
    slot.walked_lots += lots
    slot.highest_lots = max(slot.highest_lots, slot.walked_lots)
    slot.lowest_lots = min(slot.lowest_lots, slot.walked_lots)
    if closed:
        slot.most_lots = slot.highest_lots - slot.lowest_lots
    else:
        slot.most_lots = max(slot.highest_lots, -slot.lowest_lots)


@compiled
def walk_fills(
    market: Market, bucket: Bucket, rest: Rest, unit: Unit, house: bool, most: int, limit: Amount
) -> int:
    """Σ of fees, with the largest positions put in the slots; the limit when something does not fit."""
    total, closed, policy = 0, may_be_closed(market, house), 0
    liquidator = bucket.accounts[unit.account].liquidator != 0
    for f in range(unit.fill_from, unit.fill_to):
        slot = slot_of(rest, bucket.fill_instrument[f])
        while policy + 1 < len(market.terms) and market.terms[policy + 1].valid_from <= bucket.fill_ts[f]:
            policy += 1
        if market.terms[policy].simulated and (bucket.fill_kind[f] != NORMAL or liquidator):
            continue
        terms = market.instruments[slot.instrument]
        price, lots, fee = bucket.fill_price[f], bucket.fill_lots[f], bucket.fill_fee[f]
        if terms.supported == 0 or price <= 0 or price > terms.price_limit:
            return limit
        if lots == 0 or not -most < lots < most or not -limit < fee < limit:
            return limit
        walk(slot, closed, lots)
        if slot.most_lots >= most or value_at_most(terms, abs(lots), price, limit) >= limit:
            return limit
        if slot.dearest == 0:
            slot.dearest = price
        slot.dearest = max(slot.dearest, price) if terms.direction > 0 else min(slot.dearest, price)
        total = added(total, added(abs(fee), 1, limit), limit)
    return total


@compiled
def walk_start(bucket: Bucket, rest: Rest, unit: Unit, most: int, limit: Amount) -> int:
    """Σ of entry values at the start, with positions put in the slots; the limit when something does not fit."""
    total = 0
    for k in range(unit.position_from, unit.position_to):
        position = bucket.positions[k]
        if position.lots == 0 or not -most < position.lots < most:
            return limit
        if not 0 <= position.entry_value < limit:
            return limit
        walk(slot_of(rest, position.instrument), False, position.lots)
        total = added(total, position.entry_value, limit)
    return total


@compiled
def exposed(terms: Instrument, slot: Slot, fee_rate: int, limit: Amount) -> int:
    """The entry value, and what the market can make of the largest position."""
    lots = slot.most_lots
    entry = value_at_most(terms, lots, slot.dearest, limit) if slot.dearest else 0
    value = value_at_most(terms, lots, terms.largest_at, limit) if terms.largest_at else 0
    total = added(added(entry, entry, limit), value, limit)
    total = added(total, at_most(value, terms.funding_rates, _E18, limit), limit)
    if fee_rate >= 0 and terms.largest_closing_at:
        closing = value_at_most(terms, lots, terms.largest_closing_at, limit)
        total = added(total, added(closing, at_most(closing, fee_rate, _E18, limit), limit), limit)
    ticks = terms.tick_to - terms.tick_from + terms.funding_to - terms.funding_from
    return added(total, ticks, limit)


@compiled
def reach(
    market: Market, bucket: Bucket, rest: Rest, unit: Unit, fee_rate: int, house: bool, limit: Amount
) -> int:
    """The bound, at most the limit. It leaves a slot of every instrument behind that the unit can meet."""
    most = HOUSE_LIMIT if house else LIMIT  # of lots, which always are int64
    start = walk_start(bucket, rest, unit, most, limit)
    fills = walk_fills(market, bucket, rest, unit, house, most, limit)
    total = added(start, fills, limit)
    for amount in (unit.wallet, unit.debt, unit.unrealised, unit.charge):
        if not -limit < amount < limit:
            return limit
        total = added(total, abs(amount), limit)
    for k in range(unit.transfer_from, unit.transfer_to):
        amount = bucket.transfer_amount[k]
        if not -limit < amount < limit:
            return limit
        total = added(total, abs(amount), limit)
    for k in range(rest.state[0].slots):
        slot = rest.slots[k]
        terms = market.instruments[slot.instrument]
        if terms.supported == 0:
            return limit
        total = added(total, exposed(terms, slot, -1 if house else fee_rate, limit), limit)
    return total


@compiled
def fits(market: Market, bucket: Bucket, rest: Rest, unit: Unit, fee_rate: int) -> bool:
    """Whether the unit may be replayed here."""
    house = bucket.accounts[unit.account].house != 0
    limit = limit_of(house, unit.wallet)
    return reach(market, bucket, rest, unit, fee_rate, house, limit) < limit
