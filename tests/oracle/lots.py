"""Lots of section 15: positions that were taken over, and what goes out of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

from tests.oracle.book import Book, Episode, LiquidationFill, Unit


def spread(amount: int, parts: Iterable[Fraction], whole: Fraction) -> list[int]:
    """An amount of a fill of that quantity over parts of it: differences of rounded running totals."""
    totals = accumulate(parts, initial=Fraction(0))
    rounded = [round(amount * total / whole) for total in totals]
    return [after - before for before, after in pairwise(rounded)]


class Source(NamedTuple):
    """Whom a lot was taken from, and in which liquidation."""

    unit: Unit
    episode: Episode


@dataclass
class Lot:
    """A position that a liquidator took over, or what is left of it; value and fee in ledger units."""

    lot_id: str  # '' for a simulated lot
    holder: Unit  # for a simulated lot a unit without a wallet, which is in no book
    instrument: str
    side: int
    quantity: Fraction
    value: int
    fee: int
    opened_at: int
    mark: Fraction | None
    rank: tuple[Any, ...]  # its place among the lots of one instant
    source: Source | None = None

    @property
    def simulated(self) -> bool:
        """Whether the recomputation took it over; else a venue's own liquidator did."""
        return not self.lot_id

    @property
    def order(self) -> tuple[Any, ...]:
        """The order of lots of one kind: time of opening, then where they came from."""
        return (self.opened_at, *self.rank)

    def take_out(self, quantity: Fraction) -> tuple[int, int]:
        """Value and opening fee that leave with a quantity; the rest stays."""
        whole = self.quantity
        value, fee = (
            amount if quantity == whole else round(amount * quantity / whole)
            for amount in (self.value, self.fee)
        )
        self.quantity, self.value, self.fee = whole - quantity, self.value - value, self.fee - fee
        return value, fee


class Closing(NamedTuple):
    """How a quantity of a lot was closed: by which fill, at which value, fee and mark."""

    lot: Lot
    quantity: Fraction
    ts: int
    fill_id: str  # '' under simulated
    by: str  # market, adl
    open_value: int
    close_value: int
    fees: int
    mark: Fraction | None

    def worth(self, book: Book, change: int) -> int:
        """A rise of the value as money of the lot's side."""
        return self.lot.side * book.direction(self.lot.instrument) * change

    def result(self, book: Book) -> int:
        """What the fund gains by it, fees included."""
        return self.worth(book, self.close_value - self.open_value) - self.fees

    def as_fill(self) -> LiquidationFill:
        """The closing in the place of a liquidation fill (section 14)."""
        return LiquidationFill(
            self.lot.instrument, -self.lot.side * self.quantity, self.close_value, self.fees
        )

    def causes(self, book: Book) -> dict[str, int | None]:
        """What led to the result, before fees; nothing where a mark is missing."""
        names = ("at_takeover", "market_move", "execution")
        if self.lot.mark is None or self.mark is None:
            return dict.fromkeys(names)
        marks = (self.lot.mark, self.mark)
        at_opening, at_closing = (book.value(self.lot.instrument, self.quantity, mark) for mark in marks)
        path = (self.open_value, at_opening, at_closing, self.close_value)
        return {name: self.worth(book, b - a) for name, (a, b) in zip(names, pairwise(path), strict=True)}
