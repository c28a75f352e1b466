"""The order of numbers by their digits is the stable order."""

from collections.abc import Iterator
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.jobs.load.columns import radix
from lossledger.jobs.load.columns.radix import chosen_between, in_order, order_of

NUMBERS = st.one_of(st.integers(0, 3), st.integers(0, 2**63 - 1), st.integers(2**63 - 4, 2**63 - 1))


@pytest.fixture(autouse=True, scope="module")
def by_digits() -> Iterator[None]:
    """However few they are."""
    with patch.object(radix, "FEW", 0):
        yield


@given(st.lists(NUMBERS, max_size=40), st.integers(0, 62))
def test_it_is_the_stable_order(numbers: list[int], shift: int) -> None:
    keys = np.array([number >> shift for number in numbers], np.int64)
    assert order_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@pytest.mark.parametrize("keys", [np.array([2**64 - 1, 0, 2**63], np.uint64), np.arange(9)[::-2]])
def test_numbers_of_64_bits_and_columns_with_gaps(keys: np.ndarray) -> None:
    assert order_of(keys).tolist() == np.argsort(keys, kind="stable").tolist()


WORDS = st.one_of(st.integers(0, 3), st.integers(0, 2**64 - 1), st.integers(2**64 - 4, 2**64 - 1))


@given(st.lists(st.lists(WORDS, max_size=20), max_size=3), st.tuples(WORDS, WORDS).map(sorted))
def test_numbers_of_a_range_are_sorted(parts: list[list[int]], ends: list[int]) -> None:
    found = in_order(chosen_between([np.array(part, np.uint64) for part in parts], *ends), *ends)
    assert found.tolist() == sorted(n for part in parts for n in part if ends[0] <= n <= ends[1])


@pytest.mark.parametrize("ends", [(0, 2**64 - 1), (2**62, 2**63), (5, 5 + 2**13), (7, 7)])
def test_many_numbers_of_a_range_are_sorted(ends: tuple[int, int]) -> None:
    """So many that boxes are sorted by digits; half of them stand twice, a tenth at the ends."""
    drawn = np.random.default_rng(1)
    numbers = drawn.integers(ends[0], ends[1], 1_500_000, np.uint64, endpoint=True)
    numbers[:20_000] = drawn.choice(np.array([*ends, 0, 2**64 - 1], np.uint64), 20_000)
    numbers = np.concatenate([numbers, numbers[::2]])
    among = numbers[(numbers >= ends[0]) & (numbers <= ends[1])]
    found = in_order(chosen_between(np.array_split(numbers, 3), *ends), *ends)
    assert (found == np.sort(among)).all()


def test_a_flood_of_one_number_is_in_order_as_it_is() -> None:
    numbers = np.append(np.full(100_000, 2**63, np.uint64), np.array([0, 2**64 - 1], np.uint64))
    assert (in_order(numbers, 0, 2**64 - 1) == np.sort(numbers)).all()
