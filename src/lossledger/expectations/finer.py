"""Whether amounts are finer than a unit of money, a database's vector at a time.

A database divides numbers of 128 bits digit by digit: 1.5 us an amount, most of what the checks of a large date took.
Here the remainder is taken two bytes at a time, of all amounts of a vector together.
"""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FINER = "finer_than"  # (amounts DECIMAL(38,18)[], unit DECIMAL(38,18)) -> BOOLEAN
_POWERS = np.array([10**power for power in range(19)], np.uint64)  # of ten, in the last digits of a decimal
_FIVES = np.array([5**power for power in range(19)], np.uint64)
_TWOS = np.array([2**power for power in range(19)], np.uint64)

Words = NDArray[np.uint64]


def register(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the function known to a connection, once."""
    types: Any = ["DECIMAL(38,18)[]", "DECIMAL(38,18)"]
    kind: Any = "arrow"
    connection.create_function(FINER, finer_than, types, "BOOLEAN", type=kind)


def finer_than(amounts: pa.ChunkedArray, units: pa.ChunkedArray) -> pa.Array:
    """Whether any amount of a row's list is no multiple of the row's unit. A null is none.

    `amounts`: lists of decimal128(38, 18); `units`: decimal128(38, 18), powers of ten from 10^-18 to 1.
    """
    lists: Any = amounts.combine_chunks()
    rows = pc.list_parent_indices(lists).to_numpy()
    flat = lists.flatten()
    digits = np.searchsorted(_POWERS, _halves(units.combine_chunks())[:, 0])
    finer = _has_rest(_halves(flat), digits[rows]) & flat.is_valid().to_numpy(zero_copy_only=False)
    found = np.zeros(len(lists), bool)
    found[rows[finer]] = True
    return pa.array(found)


def _halves(decimals: Any) -> Words:
    """Shape (n, 2): the lower and the upper 64 bits of each."""
    words = np.frombuffer(decimals.buffers()[1], np.uint64)
    return words[2 * decimals.offset : 2 * (decimals.offset + len(decimals))].reshape(-1, 2)


def _has_rest(halves: Words, digits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether dividing by 10^digits leaves a rest: by its power of two, or by its power of five."""
    low, high = halves[:, 0], halves[:, 1]
    negative = high >> np.uint64(63) == 1
    positive = np.empty_like(halves)
    positive[:, 0] = np.where(negative, ~low + np.uint64(1), low)
    positive[:, 1] = np.where(negative, ~high + (low == 0), high)
    fives, rest = _FIVES[digits], np.zeros(len(halves), np.uint64)
    for limb in positive.view(np.uint16).T[::-1]:  # below 5^18 * 2^16, which is below 2^58
        rest = ((rest << np.uint64(16)) | limb) % fives
    return (rest != 0) | (low % _TWOS[digits] != 0)
