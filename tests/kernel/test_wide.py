"""Products and quotients of the kernel against Python's integers."""

from fractions import Fraction
from math import ceil

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.numbers import round_half_even_div
from kernel.wide import at_most, ceiling, ceiling_with, divided, half_even

LARGEST = (1 << 63) - 1
numbers = st.one_of(st.integers(0, LARGEST), st.integers(0, 1000), st.integers(LARGEST - 1000, LARGEST))
divisors = st.one_of(st.integers(1, 1 << 62), st.integers(1, 1000), st.just(10**18), st.just(1 << 62))


@given(numbers, numbers, divisors)
def test_a_product_is_divided_exactly(a: int, b: int, divisor: int) -> None:
    assume(a * b // divisor < LARGEST)
    assert divided(a, b, divisor) == divmod(a * b, divisor)
    assert half_even(a, b, divisor) == round_half_even_div(a * b, divisor)
    assert ceiling(a, b, divisor) == -(-a * b // divisor)


@given(numbers, st.integers(1, 1 << 61))
def test_a_tie_goes_to_the_even_number(a: int, half: int) -> None:
    """a × half / (2 × half) = a / 2."""
    assert half_even(a, half, 2 * half) == round(Fraction(a, 2))


@given(numbers, numbers, divisors, divisors)
def test_something_is_added_before_the_ceiling(a: int, b: int, more: int, divisor: int) -> None:
    assume((a * b + more) // divisor < LARGEST)
    assert ceiling_with(a, b, more, divisor) == ceil(Fraction(a * b + more, divisor))


@given(numbers, numbers, divisors)
def test_a_bound_never_wraps(a: int, b: int, divisor: int) -> None:
    assert at_most(a, b, divisor, 1 << 58) == min(1 << 58, ceil(Fraction(a * b, divisor)))
