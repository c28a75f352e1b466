"""Amounts of two words, as the compiled replay has them, on their way into tables."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lossledger.kernel.words import WIDE, integers
from lossledger.store.amount_arrays import exact_sum, to_decimals

amounts = st.lists(st.integers(-(1 << 119), 1 << 119), max_size=20)


@given(amounts)
def test_they_are_written_and_added_up_exactly(amounts: list[int]) -> None:
    column = WIDE.column(amounts)
    assert integers(column) == amounts
    assert [int(value) for value in to_decimals(column).to_pylist()] == amounts
    assert exact_sum(column) == sum(amounts)


def test_a_field_of_rows_is_taken_with_its_gaps() -> None:
    rows = np.zeros(2, WIDE.row(np.dtype([("wallet", np.int64), ("ts", np.int64)])))
    rows["wallet"], rows["ts"] = WIDE.column([1, -(1 << 100)]), [5, 6]
    assert [int(value) for value in to_decimals(rows["wallet"]).to_pylist()] == [1, -(1 << 100)]
