"""Exact decimals of 128 bits, compiled: two 64-bit words each, low first, as Arrow's decimal128 stores them."""

import numpy as np

from lossledger.kernel.compiler import inlined, loop
from lossledger.kernel.wide import product

_POWERS = [10**n for n in range(39)]
POWER_LOW = np.array([p & 0xFFFF_FFFF_FFFF_FFFF for p in _POWERS], dtype=np.uint64)
POWER_HIGH = np.array([p >> 64 for p in _POWERS], dtype=np.uint64)
LONGEST = 4096  # bytes of a plain decimal or time
PLACES = 8  # decimals that fit into 64 bits, as venues write them
_STEP = 10 ** (18 - PLACES)
_STEP_TWOS = 18 - PLACES
_STEP_INVERSE = np.uint64(pow(5 ** (18 - PLACES), -1, 1 << 64))
_LIMIT = np.int64(10**18)
_1 = np.uint64(1)
_0 = np.uint64(0)
_TOP = np.uint64(1 << 63)


@inlined
def times(a, b):
    """The product of two unsigned 64-bit words: high and low word."""
    return product(np.int64(a), np.int64(b))


@inlined
def negated(high, low):
    """Two's complement."""
    low = ~low + _1
    high = ~high
    if low == _0:
        high += _1
    return high, low


@loop
def parse_decimal(text, start, end):
    """(plain, high, low) of a decimal in 10^-18: the grammar of engine.intake.parsing, at most 18 significant digits.

    Zeros at either end of the digits do not count. A text that is not plain may still be a decimal; the judge decides.
    """
    i, negative = start, False
    if i < end and (text[i] == 45 or text[i] == 43):
        negative = text[i] == 45
        i += 1
    mantissa, digits, zeros, places = _0, 0, 0, 0
    any_digit, fraction = False, False
    while i < end:
        c = text[i]
        if 48 <= c <= 57:
            any_digit = True
            if c == 48:
                if mantissa != _0:
                    zeros += 1
            else:
                digits += zeros + 1
                if digits > 18:
                    return False, _0, _0
                mantissa = mantissa * POWER_LOW[zeros + 1] + np.uint64(c - 48)
                zeros = 0
            if fraction:
                places += 1
        elif c == 46 and not fraction:
            fraction = True
        else:
            break
        i += 1
    if not any_digit:
        return False, _0, _0
    exponent = 0
    if i < end:
        if text[i] != 101 and text[i] != 69:
            return False, _0, _0
        i += 1
        down = False
        if i < end and (text[i] == 45 or text[i] == 43):
            down = text[i] == 45
            i += 1
        if i == end or end - i > 4:
            return False, _0, _0
        while i < end:
            if not 48 <= text[i] <= 57:
                return False, _0, _0
            exponent = exponent * 10 + int(text[i]) - 48
            i += 1
        if down:
            exponent = -exponent
    if mantissa == _0:
        return True, _0, _0
    shift = 18 + exponent + zeros - places
    if shift < 0 or shift + digits > 38:
        return False, _0, _0
    high, low = times(mantissa, POWER_LOW[shift])
    high += mantissa * POWER_HIGH[shift]
    if negative:
        high, low = negated(high, low)
    return True, high, low


@loop
def quotient(high, low, twos, inverse, step_high, step_low):
    """(exact, n) with n × step = the number given, n in 63 bits; step = odd × 2^twos > 0, odd in 64 bits.

    `inverse` × odd = 1 modulo 2^64, so that an exact quotient needs no division; the product proves it.
    """
    negative = high & _TOP != _0
    if negative:
        high, low = negated(high, low)
    if twos == 0:
        shifted = low
    elif twos < 64:
        shifted = (low >> np.uint64(twos)) | (high << np.uint64(64 - twos))
    else:
        shifted = high >> np.uint64(twos - 64)
    n = shifted * inverse
    if n & _TOP != _0:
        return False, np.int64(0)
    product_high, product_low = times(n, step_low)
    over_high, over_low = times(n, step_high)
    product_high += over_low
    if over_high != _0 or product_high < over_low or product_high != high or product_low != low:
        return False, np.int64(0)
    return True, -np.int64(n) if negative else np.int64(n)


@loop
def parse_decimals(text, starts, ends, good, words, valid):
    """Decimals of a column of texts; an empty one is null (valid 0)."""
    for row in range(len(starts)):
        if starts[row] == ends[row]:
            valid[row] = 0
            words[row, 0] = words[row, 1] = _0
            continue
        plain, high, low = parse_decimal(text, starts[row], ends[row])
        plain = plain and ends[row] - starts[row] <= LONGEST
        words[row, 0], words[row, 1] = low, high
        if not plain:
            good[row] = 0


@loop
def rescale(raw, places, good, valid, words):
    """decimal128 with `places` decimals (at most 18) to 18; what needs more than 38 digits is not plain."""
    up_low, up_high = POWER_LOW[18 - places], POWER_HIGH[18 - places]
    limit_low, limit_high = POWER_LOW[20 + places], POWER_HIGH[20 + places]
    for row in range(len(words)):
        if not valid[row]:
            words[row, 0] = words[row, 1] = _0
            continue
        low, high = raw[row, 0], raw[row, 1]
        negative = high & _TOP != _0
        if negative:
            high, low = negated(high, low)
        if high > limit_high or (high == limit_high and low >= limit_low):
            good[row] = 0
            continue
        above, below = times(low, up_low)
        above += high * up_low + low * up_high
        if negative:
            above, below = negated(above, below)
        words[row, 0], words[row, 1] = below, above


@loop
def on_grid(words, valid, step_of, steps, good):
    """Clears `good` for values that are no whole multiple of their step (`step_of`: row of `steps`, -1: unknown)."""
    for row in range(len(words)):
        if not valid[row] or not good[row]:
            continue
        step = step_of[row]
        if step < 0 or steps[step, 2] == _0:
            good[row] = 0
            continue
        exact, _ = quotient(
            words[row, 1],
            words[row, 0],
            np.int64(steps[step, 0]),
            steps[step, 1],
            steps[step, 3],
            steps[step, 4],
        )
        if not exact:
            good[row] = 0


@loop
def to_int64(words, numbers):
    """Decimals in units of 10^-PLACES, in `numbers`; False when one of them is finer or has more than 18 digits."""
    for row in range(len(numbers)):
        high, low = words[row, 1], words[row, 0]
        exact, number = quotient(high, low, _STEP_TWOS, _STEP_INVERSE, _0, np.uint64(_STEP))
        if not exact or not -_LIMIT < number < _LIMIT:
            return False
        numbers[row] = number
    return True


@loop
def from_int64(numbers, words):
    """Units of 10^-PLACES back to decimals."""
    for row in range(len(numbers)):
        high, low = product(abs(numbers[row]), np.int64(_STEP))
        if numbers[row] < 0:
            high, low = negated(high, low)
        words[row, 0], words[row, 1] = low, high


@loop
def positive(words, valid, good):
    """Clears `good` for values that are not above zero."""
    for row in range(len(words)):
        high = words[row, 1]
        if valid[row] and (high & _TOP != _0 or (high == _0 and words[row, 0] == _0)):
            good[row] = 0


def step_words(step: int) -> tuple[int, int, int, int, int]:
    """A step > 0 in 10^-18 as `quotient` wants it; all zero where it does not fit."""
    twos = (step & -step).bit_length() - 1
    odd = step >> twos
    if odd >= 1 << 64 or step >= 1 << 127:
        return 0, 0, 0, 0, 0
    return twos, pow(odd, -1, 1 << 64), odd, step >> 64, step & ((1 << 64) - 1)
