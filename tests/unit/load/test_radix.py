"""The order of numbers by their digits is the stable order."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.jobs.load.columns.radix import order_of

NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 2**63 - 1), st.integers(2**63 - 4, 2**63 - 1))


@given(st.lists(NUMBERS, max_size=40), st.integers(0, 62))
def test_it_is_the_stable_order(numbers: list[int], shift: int) -> None:
    keys = np.array([number >> shift for number in numbers], np.int64)
    assert order_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@pytest.mark.parametrize("keys", [np.array([2**64 - 1, 0, 2**63], np.uint64), np.arange(9)[::-2]])
def test_numbers_of_64_bits_and_columns_with_gaps(keys: np.ndarray) -> None:
    assert order_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()
