"""Amounts of 128 bits: what `Amount` is in the second version of every compiled function.

Most units fit into 63 bits and are replayed by the first version, in which an amount is an int64. Where a ledger unit
is so small, or a position so large, that they do not, the same source is compiled a second time with this type. In
arrays an amount is two words, low and high (`kernel.words.WORDS`); in registers one integer of 128 bits. LLVM adds,
compares and multiplies those itself; it divides them by a function of the C runtime that need not be there, so
division is in kernel/wide.py.
"""

import operator
from functools import reduce
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.core.typeconv import Conversion
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin, lower_cast

from lossledger.kernel.words import WORDS

_REGISTER, _WORD = ir.IntType(128), ir.IntType(64)


class Wide(types.Type):
    """A signed integer of 128 bits; every other integer may stand for one."""

    bitwidth = 128

    def __init__(self) -> None:
        super().__init__("amount128")

    def can_convert_from(self, typing_context: Any, other: Any) -> Any:
        return Conversion.safe if isinstance(other, types.Integer) else None

    def unify(self, typing_context: Any, other: Any) -> Any:
        return self if isinstance(other, types.Integer) else None


WIDE = Wide()


@register_default(Wide)
class _Model(models.PrimitiveModel):
    """One register; in memory two words, so that it may stand wherever an int64 may."""

    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, _REGISTER)

    def get_data_type(self) -> Any:
        return ir.ArrayType(_WORD, 2)

    def as_data(self, builder: Any, value: Any) -> Any:
        low = builder.trunc(value, _WORD)
        high = builder.trunc(builder.lshr(value, ir.Constant(_REGISTER, 64)), _WORD)
        return cgutils.pack_array(builder, [low, high])

    def from_data(self, builder: Any, value: Any) -> Any:
        low, high = (builder.zext(builder.extract_value(value, k), _REGISTER) for k in range(2))
        return builder.or_(low, builder.shl(high, ir.Constant(_REGISTER, 64)))


class Row(types.Record):
    """A row with such amounts in it, for which NumPy has no name."""

    @property
    def dtype(self) -> Any:
        return np.dtype((np.void, self.size))


register_default(Row)(models.RecordModel)


def is_wide(given: Any) -> bool:
    """Whether something is an amount of two words, or has one in it."""
    if isinstance(given, types.Record):
        return any(is_wide(field.type) for field in given.fields.values())
    if isinstance(given, types.Array):
        return is_wide(given.dtype)
    if isinstance(given, types.BaseTuple):
        return any(is_wide(each) for each in given)
    inner = getattr(given, "given", None)  # kernel.reference.ByReference
    return given == WIDE or (inner is not None and is_wide(inner))


def widened(given: Any) -> Any:
    """A type with amounts where arrays have two words: the same bytes, read as numbers."""
    if isinstance(given, types.NestedArray):
        return types.NestedArray(widened(given.dtype), given.shape)
    if isinstance(given, types.Array):
        return given.copy(dtype=widened(given.dtype))
    if isinstance(given, types.BaseNamedTuple):
        return types.BaseTuple.from_types([widened(each) for each in given], given.instance_class)
    if isinstance(given, types.Record):
        if tuple(given.fields) == WORDS.names:
            return WIDE
        fields = [(n, {"type": widened(f.type), "offset": f.offset}) for n, f in given.fields.items()]
        return Row(fields, given.size, given.aligned) if any(is_wide(f["type"]) for _, f in fields) else given
    return given


@lower_cast(types.Integer, Wide)
def _widened(context: Any, builder: Any, given: Any, wanted: Any, value: Any) -> Any:
    signed = getattr(given, "literal_type", given).signed
    return builder.sext(value, _REGISTER) if signed else builder.zext(value, _REGISTER)


def _is_not_zero(builder: Any, a: Any) -> Any:
    return builder.icmp_signed("!=", a, ir.Constant(_REGISTER, 0))


@lower_cast(Wide, types.Boolean)
def _as_truth(context: Any, builder: Any, given: Any, wanted: Any, value: Any) -> Any:
    return _is_not_zero(builder, value)


def _operator(function: Any, result: Any, arguments: int, make: Any) -> None:
    """Say what an operator does to amounts, or to amounts and integers."""

    @infer_global(function)
    class _Template(AbstractTemplate):
        def generic(self, given: Any, keywords: Any) -> Any:
            fits = all(each == WIDE or isinstance(each, types.Integer) for each in given)
            if len(given) != arguments or not fits or WIDE not in given:
                return None
            return signature(result, *[WIDE] * arguments)

    @lower_builtin(function, *[WIDE] * arguments)
    def _lower(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        return make(builder, *given)


def _first(comparison: str) -> Any:
    def make(builder: Any, *given: Any) -> Any:
        return reduce(lambda a, b: builder.select(builder.icmp_signed(comparison, a, b), a, b), given)

    return make


def _compared(comparison: str) -> Any:
    return lambda builder, a, b: builder.icmp_signed(comparison, a, b)


def _size(builder: Any, a: Any) -> Any:
    negative = builder.icmp_signed("<", a, ir.Constant(_REGISTER, 0))
    return builder.select(negative, builder.neg(a), a)


for _function, _make in (
    *((each, lambda builder, a, b: builder.add(a, b)) for each in (operator.add, operator.iadd)),
    *((each, lambda builder, a, b: builder.sub(a, b)) for each in (operator.sub, operator.isub)),
    (operator.mul, lambda builder, a, b: builder.mul(a, b)),
    (operator.and_, lambda builder, a, b: builder.and_(a, b)),
):
    _operator(_function, WIDE, 2, _make)
for _arguments in (2, 3, 4):
    _operator(min, WIDE, _arguments, _first("<="))
    _operator(max, WIDE, _arguments, _first(">="))
for _function, _sign in (
    *((operator.eq, "=="), (operator.ne, "!="), (operator.lt, "<")),
    *((operator.le, "<="), (operator.gt, ">"), (operator.ge, ">=")),
):
    _operator(_function, types.boolean, 2, _compared(_sign))
_operator(operator.neg, WIDE, 1, lambda builder, a: builder.neg(a))
_operator(abs, WIDE, 1, _size)
_operator(bool, types.boolean, 1, _is_not_zero)
