"""What the annotations of a compiled function are to the compiler: they are its types, in either width of amounts."""

from typing import Annotated, Any, get_args, get_origin, get_type_hints

from numba import from_dtype, types

from lossledger.kernel.amounts import widened
from lossledger.kernel.reference import ByReference
from lossledger.kernel.words import WIDE

READ_ONLY = ("Market", "Bucket")  # shared and memory-mapped


def machine_type(hint: Any, writable: bool = True, entry: bool = False, wide: bool = False) -> Any:
    """The compiler's type of an annotation; in an entry named tuples are what Python gives."""
    if hint in (int, bool):
        return types.int64 if hint is int else types.boolean
    if isinstance(hint, type) and issubclass(hint, tuple):
        fields = get_type_hints(hint, include_extras=True)
        writable = hint.__name__ not in READ_ONLY
        members = [machine_type(fields[name], writable, entry, wide) for name in fields]
        given = types.BaseTuple.from_types(members, hint)
        return given if entry else ByReference(given)
    if get_origin(hint) is not Annotated:
        return types.Array(types.int64, 1, "C", readonly=not writable)
    kind, meaning = get_args(hint)
    if meaning == "read-only":
        return types.Array(types.int64, 1, "C", readonly=True)
    if meaning in ("amount", "amounts"):
        amount = from_dtype(WIDE.amount) if wide else types.int64
        found = amount if meaning == "amount" else types.Array(amount, 1, "C", readonly=not writable)
    else:
        row = from_dtype(WIDE.row(meaning) if wide else meaning)
        found = row if kind is Any else types.Array(row, 1, "C", readonly=not writable)
    return found if entry else widened(found)
