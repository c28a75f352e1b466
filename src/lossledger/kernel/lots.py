"""Lots of a liquidator: positions taken over on the fund's account, closed first in, first out (rules.md section 15).

A liquidator's unit is never triggered and never below zero, so its lots depend on its fills and on funding alone.
They are folded beside the unit: what they settle with the fund goes into its wallet as transfers do.
"""

from typing import Annotated, Any, NamedTuple

import numpy as np

from lossledger.kernel.blocks import mark_before, tick_not_before, time_of
from lossledger.kernel.bounds import limit_of, value_at_most
from lossledger.kernel.columns import Fills, Positions
from lossledger.kernel.compiler import compiled, entry, wide_entry
from lossledger.kernel.contracts import sense, value_of
from lossledger.kernel.holding import next_funding
from lossledger.kernel.layout import (
    CLOSING,
    LOT,
    LOT_FUNDING,
    Amount,
    Amounts,
    Instrument,
    Ints,
    Market,
    Rows,
    Terms,
)
from lossledger.kernel.reference import by_reference
from lossledger.kernel.session import frozen
from lossledger.kernel.simulation import closing_price
from lossledger.kernel.wide import half_even
from lossledger.kernel.words import NARROW, width_of

_E18 = 10**18
OPEN, CLOSED, UNFIT = range(3)  # how a simulated lot is after the session

Lot = Annotated[Any, LOT]
Closing = Annotated[Any, CLOSING]


class LotFills(NamedTuple):
    """Fills of liquidators in the order of group (unit and instrument), time and fill_id. `row`: whose they are."""

    group_unit: Ints
    group_instrument: Ints
    group_from: Ints
    group_to: Ints
    group_lots: Ints  # what is held at the start
    ts: Ints
    lots: Ints
    price: Ints
    fee: Amounts
    met_by_adl: Ints
    row: Ints


class LotRows(NamedTuple):
    """Lots of each group in a place of their own, those of the start first; room for closings and funding."""

    lots: Annotated[Rows, LOT]
    first: Ints  # by group, the first lot that is open
    after: Ints  # by group, the end of its lots
    closings: Annotated[Rows, CLOSING]
    funding: Annotated[Rows, LOT_FUNDING]
    counts: Ints  # of closings, of funding
    unfit: Ints  # by group, whether a number of a lot does not fit


class Unwound(NamedTuple):
    """Simulated lots, room for the closing of each, and how each is after the session."""

    lots: Annotated[Rows, LOT]
    closings: Annotated[Rows, CLOSING]
    ends: Ints


@compiled
def rounded(amount: Amount, part: int, whole: int) -> int:
    """round(amount × part / whole), half to even, of either sign."""
    size = half_even(abs(amount), part, whole)
    return size if amount >= 0 else -size


@compiled
def close_lot(
    terms: Instrument, lot: Lot, row: Closing, part: int, close_value: Amount, fee: Amount, mark: int
) -> None:
    """Take a part of a lot out of it, and what that led to; a missing mark is 0."""
    size = abs(lot.lots)
    up = sense(terms, lot.lots)
    row.unit, row.instrument, row.opened_at = lot.unit, lot.instrument, lot.opened_at
    row.opened_by, row.known = lot.fill, lot.known
    row.lots = part if lot.lots > 0 else -part
    row.open_value = lot.value if part == size else rounded(lot.value, part, size)
    fee_out = lot.fee if part == size else rounded(lot.fee, part, size)
    row.close_value, row.fees = close_value, fee + fee_out
    row.result = up * (close_value - row.open_value) - row.fees
    row.opening_mark, row.mark = lot.mark, mark
    row.at_takeover = row.market_move = row.execution = 0
    if lot.mark and mark:
        opened, moved = value_of(terms, part, lot.mark), value_of(terms, part, mark)
        row.at_takeover = up * (opened - row.open_value)
        row.market_move = up * (moved - opened)
        row.execution = up * (close_value - moved)
    lot.lots -= row.lots
    lot.value -= row.open_value
    lot.fee -= fee_out


@compiled
def terms_at(market: Market, ts: int) -> Terms:
    k = len(market.terms) - 1
    while k > 0 and market.terms[k].valid_from > ts:
        k -= 1
    return market.terms[k]


@compiled
def apply_fill(market: Market, fills: LotFills, out: LotRows, group: int, k: int) -> None:
    """A fill closes lots of the other side, oldest first, and opens one with what is left of it."""
    terms = market.instruments[fills.group_instrument[group]]
    size, ts = abs(fills.lots[k]), fills.ts[k]
    value, mark = value_of(terms, size, fills.price[k]), mark_before(market, terms, ts)
    left, reached = size, 0
    value_before, fee_before = value - value, value - value
    while left > 0 and out.first[group] < out.after[group]:
        lot = out.lots[out.first[group]]
        if (lot.lots > 0) == (fills.lots[k] > 0):
            break
        part = min(abs(lot.lots), left)
        left -= part
        reached += part
        value_now, fee_now = rounded(value, reached, size), rounded(fills.fee[k], reached, size)
        row = out.closings[out.counts[0]]
        out.counts[0] += 1
        close_lot(terms, lot, row, part, value_now - value_before, fee_now - fee_before, mark)
        row.closed_at, row.fill, row.by_adl = ts, fills.row[k], fills.met_by_adl[k]
        value_before, fee_before = value_now, fee_now
        if lot.lots == 0:
            out.first[group] += 1
    if left > 0:
        lot = out.lots[out.after[group]]
        out.after[group] += 1
        lot.unit, lot.instrument = fills.group_unit[group], fills.group_instrument[group]
        lot.lots = left if fills.lots[k] > 0 else -left
        lot.value, lot.fee = value - value_before, fills.fee[k] - fee_before
        lot.opened_at, lot.mark, lot.fill, lot.known = ts, mark, fills.row[k], -1


@compiled
def fund_until(
    market: Market, fills: LotFills, out: LotRows, group: int, event: int, held: int, ts: int
) -> int:
    """Funding before a time on what a group holds; the first event that is not."""
    instrument = fills.group_instrument[group]
    terms = market.instruments[instrument]
    while event < terms.funding_to and market.funding[event].ts < ts:
        given = market.funding[event]
        event += 1
        if held == 0:
            continue
        amount = half_even(value_of(terms, abs(held), given.price), abs(given.rate_e18), _E18)
        row = out.funding[out.counts[1]]
        out.counts[1] += 1
        row.unit, row.instrument, row.ts = fills.group_unit[group], instrument, given.ts
        row.amount = -amount if (held > 0) == (given.rate_e18 > 0) else amount
    return event


@compiled
def start_fits(terms: Instrument, out: LotRows, group: int) -> bool:
    """Whether open lots are worth what fits at the mark of their opening; fills are looked at in kernel/bounds.py."""
    for k in range(out.first[group], out.after[group]):
        lot = out.lots[k]
        limit = limit_of(True, lot.value)
        if lot.mark > terms.price_limit or value_at_most(terms, abs(lot.lots), lot.mark, limit) >= limit:
            return False
    return True


@compiled
def fold_group(market: Market, fills: LotFills, out: LotRows, group: int, start: int, end: int) -> None:
    """Fills and funding of a unit in an instrument, in the order of time; at one time fills come first."""
    held, terms = fills.group_lots[group], market.instruments[fills.group_instrument[group]]
    if terms.supported == 0 or not start_fits(terms, out, group):
        out.unfit[group] = 1
        return
    event = next_funding(market, terms, start)
    for k in range(fills.group_from[group], fills.group_to[group]):
        event = fund_until(market, fills, out, group, event, held, fills.ts[k])
        if terms_at(market, fills.ts[k]).simulated:
            continue
        held += fills.lots[k]
        apply_fill(market, fills, out, group, k)
    fund_until(market, fills, out, group, event, held, end)


@compiled
def fold_all(market: Market, fills: LotFills, out: LotRows, start: int, end: int) -> None:
    for group in range(len(fills.group_unit)):
        fold_group(market, fills, out, group, start, end)


def _fold(market: Market, fills: LotFills, out: LotRows, start: int, end: int) -> None:
    fold_all(by_reference(market), by_reference(fills), by_reference(out), start, end)


_run, _run_wide = entry(_fold), wide_entry(_fold)


@compiled
def unwind_lot(market: Market, lot: Lot, row: Closing) -> int:
    """Close a simulated lot in full when it is due: OPEN without such a tick, UNFIT where a value does not fit."""
    terms = market.instruments[lot.instrument]
    if terms.supported == 0:
        return UNFIT
    tick = tick_not_before(market, terms, lot.opened_at)
    while tick < terms.tick_to:
        ts = time_of(market, terms, tick)
        if ts >= lot.opened_at + terms_at(market, ts).unwind_us:
            break
        tick = max(tick + 1, tick_not_before(market, terms, next_look(market, ts, lot.opened_at)))
    if tick >= terms.tick_to:
        return OPEN
    policy = terms_at(market, ts)
    price, size = closing_price(market, terms, lot.lots, tick, policy.slippage_e18, ts), abs(lot.lots)
    limit = limit_of(True, lot.value)
    for each in (price, lot.mark, market.mark[tick]):
        if each > terms.price_limit or value_at_most(terms, size, each, limit) >= limit:
            return UNFIT
    if price == 0:
        return UNFIT
    value, rate = value_of(terms, size, price), policy.unwind_fee_e18
    fee = half_even(value, abs(rate), _E18)
    close_lot(terms, lot, row, size, value, fee if rate >= 0 else -fee, market.mark[tick])
    row.closed_at, row.fill, row.by_adl = ts, -1, 0
    return CLOSED


@compiled
def next_look(market: Market, ts: int, opened_at: int) -> int:
    """After a tick that is too early, when a lot may be due: by the terms of then, or by later ones."""
    due = opened_at + terms_at(market, ts).unwind_us
    for k in range(len(market.terms)):
        if market.terms[k].valid_from > ts:
            due = min(due, market.terms[k].valid_from)
    return due


@compiled
def unwind_all(market: Market, given: Unwound) -> None:
    for k in range(len(given.lots)):
        given.ends[k] = unwind_lot(market, given.lots[k], given.closings[k])


def _unwind(market: Market, given: Unwound) -> None:
    unwind_all(by_reference(market), by_reference(given))


_run_unwind, _run_unwind_wide = entry(_unwind), wide_entry(_unwind)


class Folded(NamedTuple):
    """What became of lots: those that are open, closings, funding, and units whose lots do not fit, by number."""

    lots: Rows
    closings: Rows
    funding: Rows
    unfit: Ints


def fold_lots(
    market: Market, fills: Fills, by_adl: Ints, held: Positions, opened: Rows, start: int, end: int
) -> Folded:
    """The lots of liquidators' units from their fills and from the lots open at `start`, up to a time.

    `fills`: of these units alone, each unit's in the order of time and fill_id; `by_adl` of each: whether its trade
    deleveraged somebody. `held`: positions at `start`, `opened`: the lots of these in the order of opening.
    """
    width = width_of(fills.fee)
    instruments = len(market.instruments)
    key = fills.unit * instruments + fills.instrument
    start_key = opened["unit"] * instruments + opened["instrument"]
    order, start_order = np.argsort(key, kind="stable"), np.argsort(start_key, kind="stable")
    key, start_key = key[order], start_key[start_order]
    held_key = held.unit * instruments + held.instrument
    groups = np.unique(np.concatenate([key, start_key, held_key]))
    held_lots = np.zeros(len(groups), np.int64)
    held_lots[np.searchsorted(groups, held_key)] = held.lots
    bounds = [np.searchsorted(key, groups, side) for side in ("left", "right")]
    start_bounds = [np.searchsorted(start_key, groups, side) for side in ("left", "right")]
    room = np.r_[0, np.cumsum(bounds[1] - bounds[0] + start_bounds[1] - start_bounds[0])]
    lots = np.zeros(int(room[-1]), width.row(LOT))
    first = room[:-1].copy()
    after = first + start_bounds[1] - start_bounds[0]
    places = np.arange(len(opened)) - np.repeat(start_bounds[0] - first, start_bounds[1] - start_bounds[0])
    lots[places] = opened[start_order]
    taken = market.instruments["funding_to"] - market.instruments["funding_from"]
    made = LotRows(
        lots,
        first,
        after,
        np.empty(len(lots) + len(key), width.row(CLOSING)),
        np.empty(int(taken[groups % instruments].sum()), width.row(LOT_FUNDING)),
        np.zeros(2, np.int64),
        np.zeros(len(groups), np.int64),
    )
    first_fill, after_fill = bounds
    given = LotFills(
        groups // instruments,
        groups % instruments,
        first_fill,
        after_fill,
        held_lots,
        fills.ts[order],
        fills.lots[order],
        fills.price[order],
        fills.fee[order],
        by_adl[order],
        order,
    )
    run = _run if width == NARROW else _run_wide
    run(frozen(market), given, made, start, end)
    counts = made.after - made.first
    open_lots = np.arange(counts.sum()) + np.repeat(made.first - np.r_[0, np.cumsum(counts)[:-1]], counts)
    closings, funding = made.closings[: made.counts[0]].copy(), made.funding[: made.counts[1]].copy()
    unfit = np.unique(given.group_unit[made.unfit != 0])
    return Folded(lots[open_lots], closings, funding, unfit)


def unwind(market: Market, lots: Rows) -> Unwound:
    """The closings of simulated lots in the session; one that is UNFIT is left to the reference."""
    width = width_of(lots["value"])
    given = Unwound(lots.copy(), np.zeros(len(lots), width.row(CLOSING)), np.zeros(len(lots), np.int64))
    run = _run_unwind if width == NARROW else _run_unwind_wide
    run(frozen(market), given)
    return given
