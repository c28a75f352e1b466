"""Liquidation, bankruptcy and takeover price of one position, as exact fractions (rules.md sections 2, 6, 7 and 15).

At which price of its instrument does a unit, everything else standing still, meet its maintenance margin
(liquidation) or have nothing left (bankruptcy)? With n = V(q, p) both are one linear equation in n:

    wallet + others + s·d·(n − EV) − fee_rate × n = n × rate_k − deduction_k

so linear, quanto and inverse contracts share it, and only the way from n back to a price differs. These are
the formulas of the rules before rounding: a replay rounds V, MM and fees to ledger units, so it may trigger a
fraction of a unit earlier. All amounts are in units of the settlement currency, rates are fractions of one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from lossledger.engine.errors import DataError

Number = int | Fraction
Tier = tuple[Number, Number]  # (notional_floor, maintenance_rate)

NO_MARGIN: tuple[Tier, ...] = ((0, 0),)


@dataclass(frozen=True)
class OpenPosition:
    """A position: `kind` linear, quanto or inverse; `side` +1 long, −1 short; `quantity` > 0.

    `entry_value` is EV of the rules, in the settlement currency. DataError for anything else.
    """

    kind: str
    side: int
    quantity: Number
    entry_value: Number
    multiplier: Number = 1

    def __post_init__(self) -> None:
        if self.kind not in ("linear", "quanto", "inverse"):
            raise DataError(f"contract kind {self.kind!r} is none of linear, quanto, inverse")
        if self.side not in (1, -1) or self.quantity <= 0 or self.multiplier <= 0:
            raise DataError("a position has side 1 or -1 and a quantity and a multiplier above 0")

    @property
    def value_side(self) -> int:
        """s·d: +1 when the position gains as its value n rises, else −1."""
        return -self.side if self.kind == "inverse" else self.side

    def value(self, price: Number) -> Fraction:
        """V(q, p) before rounding, for p > 0."""
        size = Fraction(self.quantity) * self.multiplier
        return size / price if self.kind == "inverse" else size * price

    def price(self, value: Number) -> Fraction:
        """The price at which the position has this value > 0."""
        size = Fraction(self.quantity) * self.multiplier
        return size / value if self.kind == "inverse" else value / size


def position_at(
    kind: str, side: int, quantity: Number, entry_price: Number, multiplier: Number = 1
) -> OpenPosition:
    """A position opened at one price: EV = V(q, entry_price)."""
    value = OpenPosition(kind, side, quantity, 0, multiplier).value(entry_price)
    return OpenPosition(kind, side, quantity, value, multiplier)


def tier_deductions(tiers: Sequence[Tier]) -> list[Fraction]:
    """deduction_0 = 0; deduction_k = deduction_{k−1} + floor_k × (rate_k − rate_{k−1}) (rules.md section 6).

    DataError for a table that does not start at 0, is out of order, or whose rate falls.
    """
    if not tiers or tiers[0][0] != 0:
        raise DataError("a margin table starts at notional_floor 0")
    deductions = [Fraction(0)]
    for (floor_before, rate_before), (floor, rate) in pairwise(tiers):
        if floor <= floor_before or rate < rate_before:
            raise DataError(f"margin table out of order at notional_floor {floor}")
        deductions.append(deductions[-1] + Fraction(floor) * (Fraction(rate) - rate_before))
    return deductions


def maintenance_margin(notional: Number, tiers: Sequence[Tier]) -> Fraction:
    """n × rate_k − deduction_k with the tier of the largest floor ≤ n, not yet rounded up to a unit."""
    deductions = tier_deductions(tiers)
    tier = max(k for k, (floor, _) in enumerate(tiers) if floor <= notional)
    return Fraction(notional) * tiers[tier][1] - deductions[tier]


def liquidation_price(
    position: OpenPosition,
    wallet: Number,
    tiers: Sequence[Tier],
    *,
    fee_rate: Number = 0,
    others: Number = 0,
) -> Fraction | None:
    """The price at which equity equals maintenance margin, the tier being the one in force at that price.

    `others`: Σ over the unit's other positions of uPnL − MM (cross margin), 0 for an isolated one.
    `fee_rate`: fee of closing at that price, for venues that count it in; the rules' trigger does not.
    None: no price above 0 does it; a gaining side (s·d = +1) with enough in the wallet is never
    liquidated, a unit without enough for the smallest margin is below it at every price.
    """
    for value in _values_at_margin(position, Fraction(wallet) + others, tiers, Fraction(fee_rate)):
        return position.price(value)
    return None


def bankruptcy_price(
    position: OpenPosition, wallet: Number, *, fee_rate: Number = 0, others: Number = 0
) -> Fraction | None:
    """The price at which closing leaves the unit with nothing: equity − fee = 0; None as above.

    `others`: Σ uPnL of the unit's other positions; under cross margin this price holds only as long as they
    stand still.
    """
    return liquidation_price(position, wallet, NO_MARGIN, fee_rate=fee_rate, others=others)


def takeover_price(kind: str, quantity: Number, value: Number, multiplier: Number = 1) -> Fraction | None:
    """The price that a lot's value stands for: V(q, price) = value before rounding.

    A unit that is taken over in a simulation has no price, only values. Of a unit with one position and no debt, worth
    something or protected, this is the bankruptcy price. None: a value of 0 or below is no price's.
    """
    if value <= 0:
        return None
    return OpenPosition(kind, 1, quantity, 0, multiplier).price(value)


def _values_at_margin(
    position: OpenPosition, funds: Fraction, tiers: Sequence[Tier], fee_rate: Fraction
) -> Iterator[Fraction]:
    """Values n > 0 that solve the module's equation inside their own tier; at most one exists.

    Equity less margin is continuous and, as rates never fall, concave in n: it is zero at most once where it
    falls in the direction in which the position loses. With s·d = +1 a tier whose rate and fee take more than
    the value gained (slope ≤ 0) is left out: there the unit is short of margin because n is large.
    """
    sign = position.value_side
    for k, deduction in enumerate(tier_deductions(tiers)):
        floor, rate = tiers[k]
        slope = sign - fee_rate - rate
        if slope * sign <= 0:
            continue
        value = (sign * Fraction(position.entry_value) - funds - deduction) / slope
        if value > 0 and value >= floor and (k + 1 == len(tiers) or value < tiers[k + 1][0]):
            yield value
