"""Loops over columns of texts say what their plain forms say."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from lossledger.jobs.load.columns.hash64 import hash_text
from lossledger.jobs.load.columns.texts import PLAIN_LENGTH, hash_spans, hash_twice, plain_ids
from lossledger.store.arrow import texts

IDS = st.lists(st.one_of(st.text(max_size=30), st.text("f01", min_size=1, max_size=12)), max_size=8)


@given(IDS)
def test_a_hash_is_that_of_the_text(ids: list[str]) -> None:
    text, at = texts(pa.array(ids, pa.string()))
    once, first, second = (np.empty(len(ids), np.uint64) for _ in range(3))
    hash_spans(text, at[:-1], at[1:], once)
    hash_twice(text, at[:-1], at[1:], first, second)
    assert once.tolist() == first.tolist() == [hash_text(name) for name in ids]
    assert len(set(zip(first.tolist(), second.tolist(), strict=True))) == len(set(ids))


@given(IDS, st.booleans())
def test_ids_of_printable_ascii_are_plain(ids: list[str], apart: bool) -> None:
    """Whether they stand one after another, or with something odd between them."""
    ids = [*ids, "f" * PLAIN_LENGTH, "f" * (PLAIN_LENGTH + 1), " ~"]
    text, at = texts(pa.array(["\n" + name if apart else name for name in ids], pa.string()))
    good = np.ones(len(ids), np.uint8)
    plain_ids(text, at[:-1] + apart, at[1:], good)
    assert good.tolist() == [
        0 < len(name) <= PLAIN_LENGTH and all(" " <= c <= "~" for c in name) for name in ids
    ]
