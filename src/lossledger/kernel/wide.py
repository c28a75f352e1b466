"""Products of amounts and their exact division. Words of bytes.

All arguments are not negative, divisors positive and below 2^62. Where amounts are int64, a product has 128 bits on the
way and a quotient has to fit into 63. Where they have two words (`wider`), one factor may be any amount, the other is
below 2^63: the larger one is divided first, then the product of its rest with the other. `kernel/bounds.py` proves that
quotients fit before a unit is taken.
"""

from typing import Annotated, Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from lossledger.kernel.amounts import WIDE
from lossledger.kernel.compiler import compiled, wider
from lossledger.kernel.layout import Amount

_signed: Any = np.int64
Word = Annotated[Any, np.dtype(np.uint64)]
_HALF = np.uint64(32)
_MASK = np.uint64(0xFFFFFFFF)
_BASE = np.uint64(1 << 32)
_WORD = np.uint64(64)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@intrinsic
def product(typing_context: Any, a: Any, b: Any) -> Any:
    """a × b as (high, low) words of 64 bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        wide, word = ir.IntType(128), ir.IntType(64)
        x, y = (builder.zext(argument, wide) for argument in arguments)
        product = builder.mul(x, y)
        high = builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), word)
        return context.make_tuple(builder, signature.return_type, (high, builder.trunc(product, word)))

    return types.UniTuple(types.uint64, 2)(types.int64, types.int64), codegen


@intrinsic
def word_at(typing_context: Any, text: Any, place: Any) -> Any:
    """The 8 bytes of an array of bytes from a place on, all of which have to be there, as a little-endian number."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        array = context.make_array(signature.args[0])(context, builder, arguments[0])
        address = builder.gep(array.data, [arguments[1]])
        word = builder.bitcast(address, ir.IntType(64).as_pointer())
        return builder.load(word, align=1)

    return types.uint64(text, types.int64), codegen


@compiled
def _leading_zeros(x: Word) -> Any:
    n = _ZERO
    for step in (32, 16, 8, 4, 2, 1):
        s = np.uint64(step)
        if x >> (_WORD - s) == _ZERO:
            n += s
            x <<= s
    return n


@compiled
def divide_words(high: Word, low: Word, divisor: Word) -> tuple[Word, Word]:
    """(high, low) / divisor and the rest; high < divisor.

    Source: Knuth, The Art of Computer Programming 4.3.1, algorithm D, with two digits of 32 bits.
    """
    s = _leading_zeros(divisor)
    d = divisor << s
    d1, d0 = d >> _HALF, d & _MASK
    if s > _ZERO:
        high = (high << s) | (low >> (_WORD - s))
        low = low << s
    l1, l0 = low >> _HALF, low & _MASK

    q1 = high // d1
    rest = high - q1 * d1
    while q1 >= _BASE or q1 * d0 > (rest << _HALF) | l1:
        q1 -= _ONE
        rest += d1
        if rest >= _BASE:
            break
    middle = (high << _HALF) + l1 - q1 * d
    q0 = middle // d1
    rest = middle - q0 * d1
    while q0 >= _BASE or q0 * d0 > (rest << _HALF) | l0:
        q0 -= _ONE
        rest += d1
        if rest >= _BASE:
            break
    remainder = ((middle << _HALF) + l0 - q0 * d) >> s
    return (q1 << _HALF) + q0, remainder


@intrinsic
def words_of(typing_context: Any, amount: Any) -> Any:
    """The (high, low) words of an amount of 128 bits."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        word, shift = ir.IntType(64), ir.Constant(ir.IntType(128), 64)
        words = builder.trunc(builder.lshr(arguments[0], shift), word), builder.trunc(arguments[0], word)
        return context.make_tuple(builder, signature.return_type, words)

    return types.UniTuple(types.uint64, 2)(WIDE), codegen


@intrinsic
def of_words(typing_context: Any, high: Any, low: Any) -> Any:
    """An amount of 128 bits from its words."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        from llvmlite import ir

        high, low = (builder.zext(argument, ir.IntType(128)) for argument in arguments)
        return builder.or_(builder.shl(high, ir.Constant(ir.IntType(128), 64)), low)

    return WIDE(types.uint64, types.uint64), codegen


@compiled
def quotient_and_rest(amount: Amount, divisor: int) -> tuple[int, int]:
    """Of an amount of 128 bits, rounded down; the rest is an int64."""
    high, low = words_of(amount)
    d = np.uint64(divisor)
    if high == _ZERO:
        quotient = low // d
        return of_words(_ZERO, quotient), _signed(low - quotient * d)
    top = high // d
    quotient, rest = divide_words(high - top * d, low, d)
    return of_words(top, quotient), _signed(rest)


@compiled
def divided(a: Amount, b: Amount, divisor: Amount) -> tuple[int, int]:
    """a × b / divisor, rounded down, and the rest."""
    high, low = product(a, b)
    d = np.uint64(divisor)
    if high == _ZERO:
        quotient = low // d
        return _signed(quotient), _signed(low - quotient * d)
    quotient, remainder = divide_words(high, low, d)
    return _signed(quotient), _signed(remainder)


@wider(divided)
def _divided(a: Amount, b: Amount, divisor: Amount) -> tuple[int, int]:
    d = _signed(words_of(divisor)[1])
    large, small = max(a, b), min(a, b)
    whole, rest = quotient_and_rest(large, d)
    more, rest = quotient_and_rest(small * rest, d)
    return whole * small + more, rest


@compiled
def half_even(a: Amount, b: Amount, divisor: Amount) -> int:
    """round(a × b / divisor), half to even (rules.md section 1)."""
    quotient, rest = divided(a, b, divisor)
    twice = rest + rest
    if twice > divisor or (twice == divisor and quotient & 1):
        return quotient + 1
    return quotient


@compiled
def ceiling(a: Amount, b: Amount, divisor: Amount) -> int:
    """ceil(a × b / divisor)."""
    quotient, rest = divided(a, b, divisor)
    return quotient + 1 if rest else quotient


@compiled
def ceiling_with(a: Amount, b: Amount, more: Amount, divisor: Amount) -> int:
    """ceil((a × b + more) / divisor)."""
    high, low = product(a, b)
    total = low + np.uint64(more)
    if total < low:
        high += _ONE
    quotient, remainder = divide_words(high, total, np.uint64(divisor))
    return _signed(quotient) + (1 if remainder else 0)


@wider(ceiling_with)
def _ceiling_with(a: Amount, b: Amount, more: Amount, divisor: Amount) -> int:
    d = _signed(words_of(divisor)[1])
    large, small = max(a, b), min(a, b)
    whole, rest = quotient_and_rest(large, d)
    rounded, rest = quotient_and_rest(small * rest + more, d)
    return whole * small + rounded + (1 if rest else 0)


@compiled
def rounded_up(a: Amount, divisor: int) -> int:
    """ceil(a / divisor), where a + divisor fits."""
    return (a + divisor - 1) // divisor


@wider(rounded_up)
def _rounded_up(a: Amount, divisor: int) -> int:
    return quotient_and_rest(a + (divisor - 1), divisor)[0]


@compiled
def at_most(a: Amount, b: Amount, divisor: Amount, limit: Amount) -> int:
    """ceil(a × b / divisor), or the limit if it is larger: never wraps."""
    high, low = product(a, b)
    d = np.uint64(divisor)
    if high >= d:
        return limit
    quotient, remainder = divide_words(high, low, d)
    if quotient >= np.uint64(limit):
        return limit
    return min(limit, _signed(quotient) + (1 if remainder else 0))


@wider(at_most)
def _at_most(a: Amount, b: Amount, divisor: Amount, limit: Amount) -> int:
    d = _signed(words_of(divisor)[1])
    large, small = max(a, b), min(a, b)
    whole, rest = quotient_and_rest(large, d)
    if small > 0 and whole > quotient_and_rest(limit, _signed(words_of(small)[1]))[0]:
        return limit
    more, rest = quotient_and_rest(small * rest, d)
    return min(limit, whole * small + more + (1 if rest else 0))


@compiled
def added(a: Amount, b: Amount, limit: Amount) -> int:
    """a + b, or the limit if it is larger; both at most the limit, which is at most half of what fits."""
    return min(limit, a + b)
