"""Named tuples of arrays by reference: what the compiled functions hand to each other.

Numba passes a tuple of arrays by value, seven words an array, and counts a reference up and down, atomically, every
time an array is named. Measured, that was nine tenths of a replay. Here a tuple is a pointer to what the entry was
given, and its arrays are not counted: the caller of the entry holds them for as long as the call lasts.
"""

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models, register_default
from numba.core.extending import lower_getattr_generic
from numba.core.typing.templates import AttributeTemplate, infer_getattr
from numba.extending import intrinsic

from lossledger.kernel.amounts import widened


class ByReference(types.Type):
    """A pointer to a named tuple."""

    def __init__(self, given: Any) -> None:
        self.given = given
        super().__init__(f"ByReference({given.name})")


@register_default(ByReference)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, fe_type: Any) -> None:
        super().__init__(manager, fe_type, ir.IntType(8).as_pointer())


@infer_getattr
class _Attributes(AttributeTemplate):
    key = ByReference

    def generic_resolve(self, reference: Any, name: str) -> Any:
        fields = reference.given.fields
        return reference.given.types[fields.index(name)] if name in fields else None


@lower_getattr_generic(ByReference)
def _get(context: Any, builder: Any, reference: Any, value: Any, name: str) -> Any:
    """A field: of an array only its data and its length are read."""
    place = reference.given.fields.index(name)
    field = reference.given.types[place]
    given = builder.bitcast(value, context.get_value_type(reference.given).as_pointer())
    pointer = cgutils.gep_inbounds(builder, given, 0, place)
    if not isinstance(field, types.Array):
        return builder.load(pointer)
    stored = context.make_array(field)(context, builder, ref=pointer)
    array = context.make_array(field)(context, builder)
    size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(field.dtype)))
    array.data, array.nitems, array.shape = stored.data, stored.nitems, stored.shape
    array.itemsize = size
    array.strides = cgutils.pack_array(builder, [size])
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    array.parent = cgutils.get_null_value(array.parent.type)
    return array._getvalue()


@intrinsic
def by_reference(typing_context: Any, given: Any) -> Any:
    """A named tuple as the compiled functions take it; valid as long as the function that says so runs."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        place = cgutils.alloca_once_value(builder, arguments[0])
        return builder.bitcast(place, ir.IntType(8).as_pointer())

    return ByReference(widened(given))(given), codegen
