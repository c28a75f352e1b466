"""What positions of many units are worth at an instant, and who can be in the queue (rules.md section 14)."""

from typing import Annotated, NamedTuple

from lossledger.kernel.blocks import mark_before
from lossledger.kernel.bounds import value_at_most
from lossledger.kernel.compiler import compiled, entry
from lossledger.kernel.contracts import sense, value_of
from lossledger.kernel.layout import CANDIDATE, NEVER, NONE, Frozen, Instrument, Ints, Market, Rows
from lossledger.kernel.reference import by_reference

UNFIT = -1  # no value, no count
FITS = NEVER  # amounts and lots are below it, so that two of them add up to less than 2^63


class Holdings(NamedTuple):
    """Positions, in the order of instrument and unit, and units, by number; closed positions have no lots.

    `by_unit`: the places of positions in the order of their units; those of a unit begin at `unit_from`[number].
    """

    unit: Ints
    instrument: Ints
    lots: Ints
    entry_value: Ints
    wallet: Ints
    unit_from: Ints
    by_unit: Ints


@compiled
def fitting_value(terms: Instrument, lots: int, mark: int) -> int:
    """V(|Q|, mark), or UNFIT."""
    if terms.supported == 0 or value_at_most(terms, abs(lots), mark, FITS) >= FITS:
        return UNFIT
    return value_of(terms, abs(lots), mark)


@entry
def marks_at(market: Market, ts: int, marks: Ints) -> None:
    """Of every instrument the mark in force after the ticks of ts, 0 without one."""
    given = by_reference(market)
    for k in range(len(marks)):
        marks[k] = mark_before(given, given.instruments[k], ts + 1)


@entry
def values_at(market: Market, instrument: int, mark: int, lots: Frozen, values: Ints) -> bool:
    """What positions in an instrument are worth at a mark; False where one does not fit."""
    given = by_reference(market)
    terms = given.instruments[instrument]
    for k in range(len(lots)):
        values[k] = fitting_value(terms, lots[k], mark) if lots[k] else 0
        if values[k] == UNFIT:
            return False
    return True


@compiled
def equity_at(market: Market, marks: Frozen, held: Holdings, number: int) -> int:
    """Wallet and uPnL of a unit at marks; NONE where it does not fit."""
    equity = held.wallet[number]
    for k in range(held.unit_from[number], held.unit_from[number + 1]):
        place = held.by_unit[k]
        lots, mark = held.lots[place], marks[held.instrument[place]]
        if lots == 0 or mark == 0:
            continue
        terms = market.instruments[held.instrument[place]]
        value = fitting_value(terms, lots, mark)
        equity += sense(terms, lots) * (value - held.entry_value[place])
        if value == UNFIT or not -FITS < equity < FITS:
            return NONE
    return equity


@entry
def candidates_at(
    market: Market,
    marks: Frozen,
    holdings: Holdings,
    first: int,
    after: int,
    side: int,
    found: Annotated[Rows, CANDIDATE],
) -> int:
    """Of positions at [first, after), all in one instrument that has a mark, those on a side that can be in the queue.

    They have gained, are held at a price, and their units have equity. How many; UNFIT where a number does not fit.
    """
    given, held = by_reference(market), by_reference(holdings)
    count = 0
    for place in range(first, after):
        lots, entry_value = held.lots[place], held.entry_value[place]
        if lots * side <= 0 or entry_value <= 0:
            continue
        terms = given.instruments[held.instrument[place]]
        value = fitting_value(terms, lots, marks[held.instrument[place]])
        if value == UNFIT:
            return UNFIT
        unrealised = sense(terms, lots) * (value - entry_value)
        if unrealised <= 0:
            continue
        equity = equity_at(given, marks, held, held.unit[place])
        if equity == NONE:
            return UNFIT
        if equity > 0:
            row = found[count]
            row.place, row.value, row.unrealised, row.equity = place, value, unrealised, equity
            count += 1
    return count
