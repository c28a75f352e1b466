"""Contracts and margin in integers: lots, ticks and ledger units.

Written apart from `engine`, on purpose: the simulator's own book is a second opinion on the replay,
so that the balances it publishes as the venue's are independent evidence.
"""

from bisect import bisect_right
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

RATE_UNITS = 10**6  # a margin rate is a whole number of millionths


def div_half_even(numerator: int, denominator: int) -> int:
    """numerator / denominator (> 0), rounded half to even."""
    quotient, rest = divmod(numerator, denominator)
    twice = 2 * rest
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


def decimal_text(mantissa: int, scale: int) -> str:
    """mantissa x 10^-scale as plain decimal text: (12, 1) -> '1.2'."""
    if scale == 0:
        return str(mantissa)
    whole, part = divmod(abs(mantissa), 10**scale)
    return f"{'-' if mantissa < 0 else ''}{whole}.{part:0{scale}d}"


def mantissa_of(number: Decimal) -> tuple[int, int]:
    """The whole number and the scale with number = whole x 10^-scale, scale >= 0."""
    scale = max(0, -int(number.as_tuple().exponent))
    return int(number.scaleb(scale)), scale


class Contract:
    """One instrument; prices in ticks, quantities in lots, values in ledger units of its settlement."""

    __slots__ = (
        "_den", "_num", "base", "direction", "index", "instrument_id", "inverse", "kind", "lot_mantissa",
        "lot_size", "multiplier", "price_scale", "quantity_scale", "quote", "settlement", "start_ticks",
        "tick_mantissa", "tick_size",
    )  # fmt: skip

    def __init__(
        self, index: int, instrument_id: str, kind: str, base: str, quote: str, settlement: str,
        multiplier: Decimal, tick_size: Decimal, lot_size: Decimal, scale: int, start_price: Decimal,
    ) -> None:  # fmt: skip
        self.index, self.instrument_id, self.kind = index, instrument_id, kind
        self.base, self.quote, self.settlement = base, quote, settlement
        self.multiplier, self.tick_size, self.lot_size = multiplier, tick_size, lot_size
        self.inverse = kind == "inverse"
        self.direction = -1 if self.inverse else 1
        self.tick_mantissa, self.price_scale = mantissa_of(tick_size)
        self.lot_mantissa, self.quantity_scale = mantissa_of(lot_size)
        per_lot = Fraction(multiplier) * Fraction(lot_size) * 10**scale
        factor = per_lot / Fraction(tick_size) if self.inverse else per_lot * Fraction(tick_size)
        self._num: int = factor.numerator
        self._den: int = factor.denominator
        self.start_ticks = max(1, int(start_price / tick_size))

    def value(self, lots: int, ticks: int) -> int:
        """V(q, p) in ledger units of the settlement currency (rules, section 2)."""
        if self.inverse:
            return div_half_even(lots * self._num, ticks * self._den)
        return div_half_even(lots * self._num * ticks, self._den)

    def lots_for(self, value_units: int, ticks: int) -> int:
        """The largest whole number of lots worth at most about value_units at this price."""
        if self.inverse:
            return value_units * ticks * self._den // self._num
        return value_units * self._den // (self._num * ticks)

    def ticks_for(self, value_units: int, lots: int) -> int:
        """The price, in whole ticks, at which so many lots are worth value_units (> 0)."""
        if self.inverse:
            return lots * self._num // (value_units * self._den)
        return value_units * self._den // (lots * self._num)

    def price_text(self, ticks: int) -> str:
        """A price in ticks as decimal text."""
        return decimal_text(ticks * self.tick_mantissa, self.price_scale)

    def quantity_text(self, lots: int) -> str:
        """A quantity in lots as decimal text."""
        return decimal_text(lots * self.lot_mantissa, self.quantity_scale)


class MarginTable:
    """Tiers: floors in ledger units, rates in millionths; MM = ceil(n x rate - deduction)."""

    __slots__ = ("deductions", "floors", "rates", "top_rate")

    def __init__(self, tiers: Sequence[tuple[int, int]]) -> None:
        self.floors = [floor for floor, _ in tiers]
        self.rates = [rate for _, rate in tiers]
        self.deductions = [0]
        for k in range(1, len(tiers)):
            step = self.floors[k] * (self.rates[k] - self.rates[k - 1])
            self.deductions.append(self.deductions[-1] + step)
        self.top_rate = self.rates[-1] / RATE_UNITS  # steers how early a unit is looked at, never an amount

    def maintenance(self, notional_units: int) -> int:
        """Maintenance margin in ledger units (rules, section 6)."""
        k = bisect_right(self.floors, notional_units) - 1
        return -((self.deductions[k] - notional_units * self.rates[k]) // RATE_UNITS)
