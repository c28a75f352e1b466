"""Amounts finer than their currency's unit, as Python's decimals say."""

from decimal import Decimal, localcontext

import duckdb
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lossledger.expectations.finer import FINER, finer_than, register

EXACT = pa.decimal128(38, 18)
scales = st.integers(0, 18)
# Whole numbers of 10^-18 of every length, and multiples of powers of ten, where the rest is none.
amounts = st.builds(
    lambda whole, zeros: whole * 10**zeros if abs(whole) * 10**zeros < 10**38 else whole,
    st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-1000, 1000),
    scales,
)


@given(st.lists(st.tuples(st.lists(st.none() | amounts, max_size=4), scales), min_size=1, max_size=6))
def test_finer_is_what_leaves_a_rest(rows: list[tuple[list[int | None], int]]) -> None:
    with localcontext(prec=60):
        lists = [[None if a is None else Decimal(a).scaleb(-18) for a in amounts] for amounts, _ in rows]
        units = [Decimal(1).scaleb(-scale) for _, scale in rows]
    found = finer_than(
        pa.chunked_array([pa.array(lists, pa.list_(EXACT))]), pa.chunked_array([pa.array(units, EXACT)])
    )
    expected = [any(a is not None and a % 10 ** (18 - scale) for a in amounts) for amounts, scale in rows]
    assert found.to_pylist() == expected


def test_a_database_calls_it() -> None:
    connection = duckdb.connect()
    register(connection)
    rows = "(values (1.5, null, 1), (1.05, 2, 0.01), (null, -0.001, 0.01)) as rows(a, b, unit)"
    asked = f"select {FINER}([a::decimal(38,18), b::decimal(38,18)], unit::decimal(38,18)) from {rows}"
    assert connection.execute(asked).fetchall() == [(True,), (False,), (True,)]
