"""Rows between the passes in fewer bytes are the same rows."""

from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.jobs.load.columns import compact_types

DECIMAL = pa.decimal128(38, 18)
LARGEST = 10**18 - 1  # of 18 digits: units of 10^-8

UNITS = st.one_of(
    st.integers(-LARGEST - 2, LARGEST + 2), st.sampled_from([0, LARGEST, LARGEST + 1, -LARGEST - 1])
)
PRICES = st.one_of(UNITS.map(lambda n: n * 10**10), UNITS)
IDS = st.one_of(st.text("ab", min_size=3, max_size=3), st.text("abé", max_size=4))


def rows(prices: list[int | None], ids: list[str], at: int = 0) -> pa.Table:
    """Prices in 10^-18, in chunks that begin in the middle of what they are cut from."""
    data = b"".join((price or 0).to_bytes(16, "little", signed=True) for price in [7, *prices])
    valid = pa.array([True, *(price is not None for price in prices)]).buffers()[1]
    decimals = pa.Array.from_buffers(DECIMAL, len(prices) + 1, [valid, pa.py_buffer(data)])[1:]
    texts = pa.array(["before", *ids], pa.string())[1:]
    columns = [pa.chunked_array([c[:at], c[at:]], c.type) for c in (decimals, texts)]
    return pa.table(columns, names=["price", "fill_id"])


ROWS = st.lists(st.tuples(PRICES, IDS), min_size=1, max_size=9).map(
    lambda some: rows([price for price, _ in some], [text for _, text in some], len(some) // 2)
)


@given(ROWS)
def test_compact_rows_are_the_same_rows(given: pa.Table) -> None:
    assert compact_types.expand(compact_types.compact(given)).equals(given)


@given(st.lists(ROWS, min_size=1, max_size=3))
def test_parts_that_differ_go_together(parts: list[pa.Table]) -> None:
    whole = compact_types.concat([compact_types.compact(part) for part in parts])
    assert compact_types.expand(whole).equals(pa.concat_tables(parts))


@given(ROWS, st.integers(8, 17))
def test_texts_of_more_bytes_than_offsets_can_count_are_cut(given: pa.Table, most: int) -> None:
    with patch.object(compact_types, "MOST_BYTES", most):
        assert compact_types.expand(compact_types.compact(given)).equals(given)


def test_what_fits_is_compact() -> None:
    table = compact_types.compact(rows([LARGEST * 10**10, -(10**10), 0], ["f1", "f2", "f3"]))
    assert table.schema.types == [pa.decimal64(18, 8), pa.binary(2)]


@pytest.mark.parametrize(
    ("prices", "ids"),
    [
        ([10**10, 1], ["f1", "f22"]),  # finer, and of two lengths
        ([(LARGEST + 1) * 10**10, 0], ["", ""]),  # more than 18 digits, and of none
        ([None, 0], ["é", "e"]),  # lengths are bytes
    ],
)
def test_what_does_not_fit_stays(prices: list[int | None], ids: list[str]) -> None:
    given = rows(prices, ids)
    assert compact_types.compact(given).equals(given)
