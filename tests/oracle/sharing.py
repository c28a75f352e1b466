"""Sharing by largest remainder, and what the rules of section 14 look at when an event happens."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple, TypeVar

from tests.oracle.book import Book, LiquidationFill, UnitKey

Key = TypeVar("Key")


def largest_remainder(amount: int, weights: Mapping[Key, int | Fraction], order: list[Key]) -> dict[Key, int]:
    """Whole units of `amount` by weight; the rest to the largest fractions, ties to the first of `order`."""
    total = sum(weights.values())
    exact = {k: Fraction(amount * weights[k], 1) / total for k in order}
    shares = {k: math.floor(exact[k]) for k in order}
    left = amount - sum(shares.values())
    rank = {k: n for n, k in enumerate(order)}
    for k in sorted(order, key=lambda k: (-(exact[k] - shares[k]), rank[k]))[:left]:
        shares[k] += 1
    return shares


def charge_up_to(loss: int, basis: Mapping[str, int]) -> dict[str, int]:
    """Section 11: everybody's basis if the loss is at least their sum, else by largest remainder."""
    if loss >= sum(basis.values()):
        return dict(basis)
    return largest_remainder(loss, basis, sorted(basis))


def open_interest_weights(book: Book, own: str | None, fills: list[LiquidationFill]) -> dict[UnitKey, int]:
    """Contract value per unit of all others but liquidators over the instruments of some liquidation fills."""
    instruments = {fill.instrument for fill in fills}
    weights: dict[UnitKey, int] = {}
    for key, unit in book.units.items():
        if unit.account == own or book.landing.is_liquidator(unit.account):
            continue
        weight = sum(
            book.value(i, abs(unit.positions[i][0]), book.marks[i])
            for i in instruments
            if i in unit.positions and i in book.marks
        )
        if weight > 0:
            weights[key] = weight
    return weights


def open_interest_shares(shortfall: int, weights: Mapping[UnitKey, int]) -> tuple[Counter[str], int]:
    """Charges per account and what is uncovered when one shortfall is shared by open interest."""
    charges: Counter[str] = Counter()
    if not weights:
        return charges, shortfall
    # All keys here have the currency of the event, so their order is that of (account_id, isolation).
    for key, share in largest_remainder(shortfall, weights, sorted(weights)).items():
        charges[key[0]] += share
    return charges, 0


class Queue(NamedTuple):
    """How one instrument's part of a shortfall is given: liquidated value, quantity per unit, what is left."""

    value: int
    given: dict[UnitKey, Fraction]
    left: Fraction


def adl_ranking(book: Book, own: str | None, instrument: str, signed: Fraction) -> list[UnitKey]:
    """Units that would be deleveraged for liquidation fills of that signed quantity, the first first."""
    ranked: list[tuple[Fraction, UnitKey]] = []
    for key, unit in book.units.items():
        if unit.account == own or instrument not in unit.positions:
            continue
        if book.landing.is_liquidator(unit.account):
            continue
        quantity, entry = unit.positions[instrument]
        profit, equity = book.upnl_of(unit, instrument), book.equity(unit)
        if quantity * signed > 0 and profit > 0 and entry > 0 and equity > 0:
            notional = book.value(instrument, abs(quantity), book.marks[instrument])
            ranked.append((-Fraction(profit, entry) * Fraction(notional, equity), key))
    return [key for _, key in sorted(ranked)]


def adl_queues(book: Book, own: str | None, fills: list[LiquidationFill]) -> dict[str, Queue]:
    """Per instrument of some liquidation fills: who would give what."""
    queues: dict[str, Queue] = {}
    for instrument in sorted({fill.instrument for fill in fills}):
        mine = [fill for fill in fills if fill.instrument == instrument]
        signed = sum((fill.quantity for fill in mine), Fraction(0))
        left = abs(signed)
        given: dict[UnitKey, Fraction] = {}
        if instrument in book.marks:
            for key in adl_ranking(book, own, instrument, signed):
                taken = min(abs(book.units[key].positions[instrument][0]), left)
                if taken > 0:
                    given[key] = taken
                    left -= taken
        queues[instrument] = Queue(sum(fill.value for fill in mine), given, left)
    return queues


def adl_shares(shortfall: int, queues: Mapping[str, Queue]) -> tuple[Counter[str], int]:
    """Charges per account and what is uncovered when one shortfall is shared along the ADL queues."""
    charges: Counter[str] = Counter()
    values = {instrument: queue.value for instrument, queue in queues.items()}
    if sum(values.values()) == 0:
        return charges, shortfall
    uncovered = 0
    for instrument, part in largest_remainder(shortfall, values, sorted(values)).items():
        _, given, left = queues[instrument]
        if not given:
            uncovered += part
            continue
        weights: dict[Any, Fraction] = dict(given)
        order: list[Any] = sorted(given)
        if left > 0:
            weights[None] = left
            order.append(None)
        for key, share in largest_remainder(part, weights, order).items():
            if key is None:
                uncovered += share
            else:
                charges[key[0]] += share
    return charges, uncovered
