"""Largest remainder over arrays gives what the rule written for a list gives, whatever the size of the numbers."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.rules import sharing
from lossledger.jobs.attribute.remainder import charge, split
from lossledger.store.amount_arrays import Amounts, exact_sum, to_amounts, to_decimals

SIZES = st.sampled_from([1, 3, 10, 10**6, 2**31, 10**12, 2**53, 10**17, 2**61, 2**63 - 1, 10**24, 10**37])


def numbers(largest: int) -> st.SearchStrategy[int]:
    return st.one_of(st.integers(0, largest), st.integers(max(0, largest - 3), largest), st.integers(0, 3))


WEIGHTS = SIZES.flatmap(lambda size: st.lists(numbers(size), min_size=1, max_size=30)).filter(any)


def amounts(values: list[int]) -> Amounts:
    """As they come from a table."""
    return np.array(values, np.int64 if max(values) < 2**63 else object)


@given(SIZES.flatmap(numbers), WEIGHTS)
def test_shares_are_those_of_the_rule(total: int, weights: list[int]) -> None:
    expected = sharing.largest_remainder(total, list(enumerate(weights)))
    assert [int(share) for share in split(total, amounts(weights))] == list(expected.values())


@given(SIZES.flatmap(numbers), WEIGHTS)
def test_nobody_is_charged_more_than_the_basis(total: int, bases: list[int]) -> None:
    expected = sharing.charge(total, {f"{n:03}": basis for n, basis in enumerate(bases)})
    assert [int(c) for c in charge(total, amounts(bases))] == [expected[f"{n:03}"] for n in range(len(bases))]


def test_a_product_of_128_bits_is_divided_without_python_integers() -> None:
    """10^7 units of a currency with 12 decimals over 10^6 of its largest holders."""
    weights = np.arange(1, 1001, dtype=np.int64) * 10**12
    shares = split(10**13 + 7, weights)
    assert shares.dtype == np.int64
    assert exact_sum(shares) == 10**13 + 7


@pytest.mark.parametrize("values", [[], [0, -1, 2**63 - 1, -(2**63)], [2**63], [10**38 - 1, -(10**38) + 1]])
def test_amounts_travel_unchanged(values: list[int]) -> None:
    small = all(-(2**63) <= value < 2**63 for value in values)
    column = to_decimals(np.array(values, np.int64 if small else object))
    found = to_amounts(pa.chunked_array([column]))
    assert [int(value) for value in found] == values
    assert (found.dtype == np.int64) == small
