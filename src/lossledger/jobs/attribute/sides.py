"""Sides of trades as numbers: two hashes of instrument and trade_id, 128 bits, and the signed quantity's words."""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.jobs.load.columns.radix import order_of
from lossledger.jobs.load.columns.texts import hash_twice
from lossledger.store.amount_arrays import decimal_words
from lossledger.store.arrow import texts

SCHEMA = pa.schema([(name, pa.uint64()) for name in ("first", "second", "low")] + [("high", pa.int64())])
_SHIFT = np.uint64(33)
_HALF, _MASK = np.uint64(32), np.int64(0xFFFF_FFFF)
_LARGE = 1 << 58  # of the upper 64 bits of a quantity: sums of these are left to the database


class Sides(NamedTuple):
    """Columns, a row a fill, in the order of SCHEMA."""

    first: np.ndarray
    second: np.ndarray
    low: np.ndarray
    high: np.ndarray


def hashes_of(fills: pa.RecordBatch) -> tuple[np.ndarray, np.ndarray]:
    """Two hashes of the trade of every fill: of its trade_id, mixed with those of its instrument_id."""
    trades = _hashes(fills.column("trade_id"))
    coded = fills.column("instrument_id")
    coded = coded if isinstance(coded, pa.DictionaryArray) else coded.dictionary_encode()
    names, place = _hashes(coded.dictionary), coded.indices.to_numpy(zero_copy_only=False)
    first, second = (
        trade ^ _mixed(instrument)[place] for trade, instrument in zip(trades, names, strict=True)
    )
    return first, second


def _hashes(ids: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    text, at = texts(ids)
    first, second = np.empty(len(ids), np.uint64), np.empty(len(ids), np.uint64)
    hash_twice(text, at[:-1], at[1:], first, second)
    return first, second


def _mixed(hashes: np.ndarray) -> np.ndarray:
    """The finaliser of MurmurHash3 (fmix64): every bit of the input changes about half of the output's."""
    h = hashes ^ (hashes >> _SHIFT)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> _SHIFT
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    h ^= h >> _SHIFT
    return h


def sides_of(fills: pa.RecordBatch) -> Sides:
    """Of fills: instrument_id, trade_id, side, quantity; what is sold is negative."""
    words = decimal_words(fills.column("quantity")).reshape(-1, 2)
    low, high = words[:, 0].view(np.uint64), words[:, 1]
    sold = pc.equal(fills.column("side").cast(pa.string()), "sell").to_numpy(zero_copy_only=False)
    low = np.where(sold, ~low + np.uint64(1), low)
    high = np.where(sold, ~high + (low == 0), high)
    return Sides(*hashes_of(fills), low, high)


def by_trade(first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An order in which the sides of a trade stand together, and where each trade begins in it."""
    order = order_of(first)
    a, b = first[order], second[order]
    same = a[1:] == a[:-1]
    if (same & (b[1:] != b[:-1])).any():  # two ids have one first hash
        order = np.lexsort((second, first))
        a, b = first[order], second[order]
        same = a[1:] == a[:-1]
    return order, np.flatnonzero(np.r_[True, ~same | (b[1:] != b[:-1])])


def may_not_net(sides: Sides, order: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Per trade whether its quantities add up to something; also where it would take more than 128 bits to say."""
    low, high = sides.low[order], sides.high[order]
    large = np.logical_or.reduceat((high >= _LARGE) | (high < -_LARGE), starts)
    first = np.add.reduceat((low & np.uint64(_MASK)).astype(np.int64), starts)
    second = np.add.reduceat((low >> _HALF).astype(np.int64), starts) + (first >> 32)
    third = np.add.reduceat(high, starts) + (second >> 32)
    return large | ((first & _MASK) != 0) | ((second & _MASK) != 0) | (third != 0)
