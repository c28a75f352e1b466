"""What a position is worth: linear, quanto and inverse contracts (rules.md section 2)."""

from dataclasses import dataclass, field
from math import gcd

from lossledger.engine.numbers import E18, round_half_even_div

LINEAR, INVERSE, QUANTO = "linear", "inverse", "quanto"


@dataclass(frozen=True)
class Contract:
    """The unchanging terms of an instrument.

    `multiplier_e18`: quantity to value; `scale`: the settlement currency's.
    """

    instrument_id: str
    kind: str
    currency: str
    scale: int
    multiplier_e18: int
    direction: int = field(init=False)
    _numerator: int = field(init=False, repr=False)
    _denominator: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        inverse = self.kind == INVERSE
        numerator = self.multiplier_e18 * 10**self.scale
        # quantity and price carry 10^18 each; in q x m / p those of q and p cancel, in q x m x p they add up
        denominator = E18 if inverse else E18**3
        common = gcd(numerator, denominator)
        object.__setattr__(self, "direction", -1 if inverse else 1)
        object.__setattr__(self, "_numerator", numerator // common)
        object.__setattr__(self, "_denominator", denominator // common)

    def value_units(self, quantity_e18: int, price_e18: int) -> int:
        """V(q, p) in ledger units of the settlement currency, for q > 0 and p > 0."""
        if self.direction < 0:
            return round_half_even_div(quantity_e18 * self._numerator, price_e18 * self._denominator)
        return round_half_even_div(quantity_e18 * price_e18 * self._numerator, self._denominator)

    def pnl_units(self, side: int, value_units: int, entry_value_units: int) -> int:
        """s·d·(V − EV): what a position of side s gained from its entry value to a value."""
        return side * self.direction * (value_units - entry_value_units)
