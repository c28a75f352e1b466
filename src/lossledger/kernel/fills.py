"""Fills, the venue's and those of a simulated liquidation, and what they move into the fund (sections 5 and 8)."""

from lossledger.kernel.blocks import mark_before
from lossledger.kernel.bounds import slot_of
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import unrealised, value_of
from lossledger.kernel.episode import note, note_all, note_fill, open_episode
from lossledger.kernel.holding import change_position, hold
from lossledger.kernel.layout import (
    ADL,
    ADL_LOSSES,
    DONE,
    FEE,
    LIQUIDATION,
    LIQUIDATION_MET_BY_ADL,
    LIQUIDATION_MET_BY_LIQUIDATOR,
    MOVEMENTS,
    NO_ROOM,
    NONE,
    NORMAL,
    RECORDED_FILL,
    REFUSED,
    Amount,
    Bucket,
    Market,
    Out,
    Rest,
    Slot,
    Terms,
)


@compiled
def move_to_fund(
    out: Out, unit: int, ts: int, kind: int, instrument: int, row: int, episode: int, amount: Amount
) -> bool:
    """A movement into the fund; False when there is no room."""
    if out.counts[MOVEMENTS] >= len(out.movements):
        return False
    movement = out.movements[out.counts[MOVEMENTS]]
    movement.unit, movement.ts, movement.kind, movement.instrument = unit, ts, kind, instrument
    movement.fill, movement.episode, movement.amount = row, episode, amount
    out.counts[MOVEMENTS] += 1
    return True


@compiled
def fill(
    market: Market,
    rest: Rest,
    out: Out,
    unit: int,
    ts: int,
    row: int,
    slot: Slot,
    kind: int,
    lots: int,
    price: int,
    fee: Amount,
    before: int,
) -> bool:
    """Apply a fill (row -1: a simulated one) at the marks in force just before a time; False for no margin table."""
    terms = market.instruments[slot.instrument]
    state = rest.state[0]
    if slot.lots == 0 and not hold(market, rest, slot, ts):
        return False
    value = value_of(terms, lots if lots > 0 else -lots, price)
    if not state.episode and kind != ADL:
        change_position(market, rest, slot, ts, lots, value, fee)
        return True
    mark = mark_before(market, terms, before)
    if state.episode:
        if kind != NORMAL and kind != ADL and state.first_execution_at == NONE:
            note_all(market, rest, before)
        note(market, rest, slot, before)
    was = unrealised(terms, slot, mark)
    realised = change_position(market, rest, slot, ts, lots, value, fee)
    now = unrealised(terms, slot, mark)
    change = realised + now - was
    slot.noted = now
    if state.episode:
        note_fill(market, rest, slot, ts, NORMAL if kind == ADL else kind, lots, value, fee, change)
    if kind == ADL:
        loss = out.adl_losses[out.counts[ADL_LOSSES]]
        loss.unit, loss.fill, loss.mark, loss.amount = unit, row, mark, -change
        out.counts[ADL_LOSSES] += 1
    return True


@compiled
def recorded_fill(
    market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, row: int, policy: Terms, house: bool
) -> int:
    """A fill of the venue's."""
    state = rest.state[0]
    ts, kind, fee = bucket.fill_ts[row], bucket.fill_kind[row], bucket.fill_fee[row]
    slot = slot_of(rest, bucket.fill_instrument[row])
    if house and kind != ADL:
        kind = NORMAL
    liquidation = kind in (LIQUIDATION, LIQUIDATION_MET_BY_ADL, LIQUIDATION_MET_BY_LIQUIDATOR)
    if liquidation and not state.episode:
        open_episode(market, rest, ts, ts, RECORDED_FILL, policy.simulated)
    if kind == ADL and out.counts[ADL_LOSSES] >= len(out.adl_losses):
        return NO_ROOM
    lots, price = bucket.fill_lots[row], bucket.fill_price[row]
    if not fill(market, rest, out, unit, ts, row, slot, kind, lots, price, fee, ts):
        return REFUSED
    if (
        liquidation
        and policy.fee_to_fund
        and fee
        and not move_to_fund(out, unit, ts, FEE, slot.instrument, row, -1, fee)
    ):
        return NO_ROOM
    return DONE
