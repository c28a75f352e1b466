"""From columns to a bucket: decimals to grids, rows to units."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lossledger.kernel import layout
from lossledger.kernel.columns import (
    Fills,
    Positions,
    Snapshots,
    States,
    Transfers,
    assemble,
    coarsen,
    on_grid,
    words_on_grid,
)
from lossledger.kernel.words import WIDE, integers


def words(values: list[int]) -> np.ndarray:
    """DECIMAL(38,18) values as the buffer that Arrow keeps."""
    return np.frombuffer(b"".join(v.to_bytes(16, "little", signed=True) for v in values), np.int64)


STEPS = st.one_of(st.sampled_from([10**power for power in range(19)]), st.integers(1, 10**18))


@given(st.lists(st.integers(-(10**38), 10**38)), STEPS)
def test_whole_multiples_of_a_grid_are_told_from_others(values: list[int], step: int) -> None:
    largest = (1 << 62) - 1
    values = values + [value // 10**18 * step for value in values] + [largest * step, (largest + 1) * step]
    values += [most * step for most in ((1 << 120) - 1, 1 << 120) if most * step < 1 << 127]
    zeros = np.zeros(len(values), np.int64)
    numbers, exact, wide, exact_wide = (
        zeros.copy(),
        zeros.copy(),
        np.zeros(len(values), WIDE.amount),
        zeros.copy(),
    )
    on_grid(words(values), np.array([step]), zeros, numbers, exact)
    words_on_grid(words(values), np.array([step]), zeros, wide, exact_wide)
    for value, number, fits in zip(values, numbers, exact, strict=True):
        assert bool(fits) == (value % step == 0 and abs(value) // step < 1 << 62)
        assert number == (value // step if fits else 0)
    for value, number, fits in zip(values, integers(wide), exact_wide, strict=True):
        assert bool(fits) == (value % step == 0 and abs(value) // step < 1 << 120)
        assert number == (value // step if fits else 0)


@given(st.lists(st.integers(1, 10**38)), st.integers(0, 18))
def test_a_grid_is_as_coarse_as_its_values_allow(values: list[int], power: int) -> None:
    values = [value // 10**power * 10**power for value in values]
    powers = np.array([18])
    coarsen(words(values), np.zeros(len(values), np.int64), powers)
    assert powers[0] == max(p for p in range(19) if all(value % 10**p == 0 for value in values))


def column(*numbers: int) -> layout.Ints:
    return np.array(numbers, np.int64)


def test_rows_of_an_account_are_parted_by_unit_and_keep_their_order() -> None:
    """Account 0 has two units, 0 (cross) and 2 (isolated); places = 3, so account 1 has unit 3."""
    none = column()
    fills = Fills(
        unit=column(0, 2, 0, 3),
        ts=column(10, 11, 11, 5),
        instrument=column(0, 1, 0, 0),
        lots=column(1, -2, 3, 4),
        price=column(7, 7, 7, 7),
        fee=column(0, 0, 0, 0),
        kind=column(0, 0, 0, 0),
    )
    assembled = assemble(
        0,
        np.zeros(2, layout.ACCOUNT),
        np.zeros(0, layout.VERSION),
        3,
        States(*(column(2) for _ in range(6)), *(column(0) for _ in range(6))),
        Positions(none, none, none, none),
        Transfers(column(0), column(9), column(100)),
        fills,
        Snapshots(none, none),
        column(3),
        none,
    )
    units = assembled.bucket.units
    assert assembled.unit_numbers.tolist() == [0, 2, 3]
    assert units["account"].tolist() == [0, 0, 1]
    assert units["wallet"].tolist() == [0, 2, 0]
    assert units["refused"].tolist() == [0, 0, 1]
    assert list(zip(units["fill_from"], units["fill_to"], strict=True)) == [(0, 2), (2, 3), (3, 4)]
    assert list(zip(units["transfer_from"], units["transfer_to"], strict=True)) == [(0, 1), (1, 1), (1, 1)]
    assert assembled.bucket.fill_lots.tolist() == [1, 3, -2, 4]
    assert assembled.rows_of(np.arange(4)).tolist() == [0, 2, 1, 3]
