"""Products and quotients of the kernel against Python's integers, in 63 bits and in 128."""

from fractions import Fraction
from math import ceil

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from lossledger.engine.numbers import round_half_even_div
from lossledger.kernel.compiler import wide_entry
from lossledger.kernel.layout import Amounts
from lossledger.kernel.wide import (
    at_most,
    ceiling,
    ceiling_with,
    divided,
    half_even,
    of_words,
    rounded_up,
    words_of,
)
from lossledger.kernel.words import WIDE, integers

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


MOST = 1 << 120
amounts = st.one_of(st.integers(0, MOST), st.integers(0, 1000), st.integers(MOST - 1000, MOST), numbers)
smaller_divisors = st.one_of(st.integers(1, (1 << 62) - 1), st.integers(1, 1000), st.just(10**18))


@wide_entry
def _in_two_words(given: Amounts, found: Amounts) -> None:
    """Of amount, factor, what is added and divisor: all that the kernel makes of them, in the order of FOUND."""
    a, b, more, divisor = (
        of_words(np.uint64(given[0].high), given[0].low),
        of_words(np.uint64(given[1].high), given[1].low),
        of_words(np.uint64(given[2].high), given[2].low),
        of_words(np.uint64(given[3].high), given[3].low),
    )
    most = of_words(np.uint64(given[4].high), given[4].low)
    quotient, rest = divided(a, b, divisor)
    results = (
        at_most(a, b, divisor, most),
        quotient,
        rest + (a - a),
        half_even(a, b, divisor),
        ceiling(a, b, divisor),
        ceiling_with(a, b, more, divisor),
        rounded_up(a, np.int64(given[3].low)),
    )
    for k in range(len(found)):
        high, low = words_of(results[k])
        found[k].high, found[k].low = np.int64(high), low


FOUND = ("at_most", "quotient", "rest", "half_even", "ceiling", "ceiling_with", "rounded_up")


def of_128_bits(*given: int) -> dict[str, int]:
    """What the kernel makes of amount, factor, what is added and divisor, by the names of FOUND."""
    found = WIDE.column([0] * len(FOUND))
    _in_two_words(np.array([WIDE.of(number) for number in (*given, MOST)], WIDE.amount), found)
    return dict(zip(FOUND, integers(found), strict=True))


@given(amounts, numbers, smaller_divisors, smaller_divisors, st.booleans())
def test_amounts_of_128_bits_are_divided_exactly(
    amount: int, factor: int, more: int, divisor: int, turned: bool
) -> None:
    """Whichever of the two factors is the larger one."""
    product = amount * factor
    found = of_128_bits(*((factor, amount) if turned else (amount, factor)), more, divisor)
    assert found["at_most"] == min(MOST, ceil(Fraction(product, divisor)))
    if product // divisor < MOST:
        assert (found["quotient"], found["rest"]) == divmod(product, divisor)
        assert found["half_even"] == round_half_even_div(product, divisor)
        assert found["ceiling"] == -(-product // divisor)
        assert found["ceiling_with"] == ceil(Fraction(product + more, divisor))
    assert found["rounded_up"] == -(-(factor if turned else amount) // divisor)
