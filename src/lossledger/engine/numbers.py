"""Exact numbers. Money is an integer of ledger units; every other decimal an integer of 10^-18 (`_e18`).

Source: rules.md section 1. No binary floating point appears anywhere in the engine.
"""

from typing import NewType

Ledger = NewType("Ledger", int)  # an amount in ledger units, in rows: what is published converts just these
E18 = 10**18
E36 = E18 * E18
_POWERS: list[int] = [10**exponent for exponent in range(19)]


def round_half_even_div(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded half to even; denominator > 0 (`round()` of the rules)."""
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient & 1):
        return quotient + 1
    return quotient


def ceil_div(numerator: int, denominator: int) -> int:
    """numerator / denominator, rounded toward +infinity; denominator > 0 (`ceil()` of the rules)."""
    return -(-numerator // denominator)


def units_to_e18(units: int, scale: int) -> int:
    """An amount in ledger units of 10^-scale as an exact decimal in 10^-18; scale <= 18."""
    return units * _POWERS[18 - scale]


def e18_to_units(value_e18: int, scale: int) -> int:
    """The inverse of `units_to_e18`; ValueError when the amount is finer than a ledger unit."""
    units, rest = divmod(value_e18, _POWERS[18 - scale])
    if rest:
        raise ValueError("finer than a ledger unit")
    return units
