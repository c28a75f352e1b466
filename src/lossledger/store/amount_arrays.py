"""Amounts as arrays: 64-bit integers where all of them fit, else Python integers in an array of objects.

The compiled replay has rows of two words instead, `low` and `high`, for amounts below 2^122.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from lossledger.engine.errors import DataError

Amounts = np.ndarray[Any, np.dtype[Any]]
UNITS = pa.decimal128(38, 0)
FITS = 1 << 62  # two amounts below it add up to less than 2^63
_LIMIT = 10**38


def to_amounts(column: pa.ChunkedArray) -> Amounts:
    """Decimals without nulls as their unscaled integers."""
    parts = [_halves(chunk) for chunk in column.chunks]
    halves = np.concatenate(parts) if parts else np.empty((0, 2), np.int64)
    low, high = halves[:, 0], halves[:, 1]
    if np.array_equal(high, low >> 63):
        return np.ascontiguousarray(low)
    return low.view(np.uint64).astype(object) + (high.astype(object) << 64)


def _halves(chunk: pa.Array) -> Amounts:
    """Per value its low and its high 64 bits."""
    if chunk.null_count:
        raise DataError("an amount is missing")
    data = np.frombuffer(chunk.buffers()[1], np.int64)
    return data[2 * chunk.offset : 2 * (chunk.offset + len(chunk))].reshape(-1, 2)


def to_decimals(amounts: Amounts) -> pa.Array:
    """Integers as DECIMAL(38,0). DataError for one of more than 38 digits."""
    if amounts.dtype == object:
        if any(not -_LIMIT < amount < _LIMIT for amount in amounts):
            raise DataError("an amount needs more than the 38 digits of DECIMAL(38,18)")
        data = b"".join(int(amount).to_bytes(16, "little", signed=True) for amount in amounts)
    elif amounts.dtype.names:
        data = amounts.tobytes()
    else:
        data = sign_extended(amounts)
    return pa.Array.from_buffers(UNITS, len(amounts), [None, pa.py_buffer(data)])


def sign_extended(amounts: Amounts) -> bytes:
    """64-bit integers in 16 bytes each, little-endian."""
    return np.stack([amounts, amounts >> 63], axis=1).astype("<i8").tobytes()


def e18_decimals(amounts: Amounts) -> pa.Array:
    """DECIMAL(38,18) of integers of 10^-18: the same buffer, read with a decimal point. DataError beyond 38 digits."""
    whole = to_decimals(amounts)
    return pa.Array.from_buffers(pa.decimal128(38, 18), len(whole), whole.buffers())


def decimal_words(column: pa.Array) -> Amounts:
    """Per decimal its low and its high 64 bits, as int64 one after the other; of a null both 0."""
    if not len(column):
        return np.empty(0, np.int64)
    words = np.frombuffer(column.buffers()[1], np.int64)[
        2 * column.offset : 2 * (column.offset + len(column))
    ]
    if column.null_count:
        words = np.where(np.repeat(column.is_null().to_numpy(zero_copy_only=False), 2), 0, words)
    return words


def scaled_decimals(numbers: Amounts, steps: Amounts, valid: Amounts | None = None) -> pa.Array:
    """DECIMAL(38,18) of numbers × steps of 10^-18; numbers below 2^62, steps positive, up to 10^18."""
    half, shift = np.uint64(0xFFFF_FFFF), np.uint64(32)
    a, b = np.abs(numbers).astype(np.uint64), steps.astype(np.uint64)
    a0, a1, b0, b1 = a & half, a >> shift, b & half, b >> shift
    first, cross, other = a0 * b0, a0 * b1, a1 * b0
    carry = (first >> shift) + (cross & half) + (other & half)
    high = a1 * b1 + (cross >> shift) + (other >> shift) + (carry >> shift)
    low = (carry << shift) | (first & half)
    negative = numbers < 0
    low = np.where(negative, ~low + np.uint64(1), low)
    high = np.where(negative, ~high + (low == 0), high)
    data = pa.py_buffer(np.stack([low, high], axis=1).astype("<u8").tobytes())
    mask = None if valid is None else pa.array(valid).buffers()[1]
    return pa.Array.from_buffers(pa.decimal128(38, 18), len(numbers), [mask, data])


def exact_sum(amounts: Amounts) -> int:
    """The sum as a Python integer: the halves of 64-bit integers cannot overflow below 2^31 of them."""
    if amounts.dtype == object:
        return int(sum(amounts))
    if amounts.dtype.names:
        return (exact_sum(amounts["high"]) << 64) + exact_sum(amounts["low"])
    half = amounts.dtype.type(32)
    return (int((amounts >> half).sum()) << 32) + int((amounts & amounts.dtype.type(0xFFFFFFFF)).sum())
