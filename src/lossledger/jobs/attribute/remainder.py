"""Largest remainder over arrays (rules.md section 11): what engine.rules.sharing does for a list, for millions."""

import numpy as np

from lossledger.store.amount_arrays import Amounts, exact_sum

_WORD = 1 << 63
_LARGEST = float(_WORD - 1024)  # the largest 64-bit integer that a float can be


def split(total: int, weights: Amounts) -> Amounts:
    """Shares of `total` ≥ 0 in proportion to weights ≥ 0, Σ weights > 0; left-over units to the earlier on ties.

    The weights come in the order of the ids that decide ties.
    """
    whole = exact_sum(weights)
    if weights.dtype != object and _fits(total, whole, int(weights.max())):
        shares, rests = _divided(total, weights, whole)
    else:
        pairs = [divmod(total * int(weight), whole) for weight in weights]
        shares = np.array([share for share, _ in pairs], object)
        rests = np.array([rest for _, rest in pairs], object)
    left_over = total - exact_sum(shares)
    if left_over:
        shares[_largest(rests, left_over)] += 1
    return shares


def _largest(rests: Amounts, count: int) -> Amounts:
    """The places of so many of the largest, the earlier ones on ties."""
    if rests.dtype == object:
        return np.argsort(-rests, kind="stable")[:count]
    last = np.partition(rests, len(rests) - count)[len(rests) - count]
    larger = np.flatnonzero(rests > last)
    return np.concatenate([larger, np.flatnonzero(rests == last)[: count - len(larger)]])


def _fits(total: int, whole: int, largest: int) -> bool:
    """Whether `_divided` is exact: its guess of a share is off by so little that the rest stays in 64 bits."""
    if total >= _WORD or whole >= _WORD:
        return False
    return (_off(total * largest // whole) + 1) * whole < _WORD


def _off(share: int) -> int:
    """The most that a share computed in floating point may be off: three roundings of 2^-53, and the floor."""
    return (share >> 51) + 2


def _divided(total: int, weights: Amounts, whole: int) -> tuple[Amounts, Amounts]:
    """Floors of total × weight / whole and the rests, without the 128 bits that the product has.

    A floating-point guess is near the floor; total × weight − guess × whole is then a small number, which the
    integers modulo 2^64 hold exactly, and it says by how much the guess is off.
    """
    guess = np.floor(weights.astype(np.float64) * (total / whole))
    guess = np.minimum(guess, _LARGEST).astype(np.int64)  # rounding may lead to 2^63 itself
    product = weights.view(np.uint64) * np.uint64(total)
    rest = (product - guess.view(np.uint64) * np.uint64(whole)).view(np.int64)
    off = rest // whole
    return guess + off, rest - off * whole


def charge(total: int, bases: Amounts) -> Amounts:
    """Charges: everybody its whole basis when that is not enough, else by largest remainder."""
    return bases.copy() if total >= exact_sum(bases) else split(total, bases)
