"""How the kernel is compiled, and where machine code is kept so that nobody waits for it twice.

Numba's own cache looks at one file: it would go on using a function whose callee in another file has changed, and
it does not read a cache that it may not write to. Here the code is kept under the hash of the whole folder that a
function stands in, its room, and of the kernel, and a read-only installation uses what `make setup` or the image left
in it.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar, TypeVar, cast, get_type_hints

from numba import config, njit
from numba.core import caching

from lossledger.engine.errors import ConfigError
from lossledger.kernel import code_cache
from lossledger.kernel.amounts import WIDE, is_wide
from lossledger.kernel.annotations import machine_type

if config.DISABLE_JIT:  # functions that are not compiled have none of what is asked of them here
    raise ConfigError("NUMBA_DISABLE_JIT is set, and the replay is compiled: unset it")

F = TypeVar("F", bound=Callable[..., Any])


class _Shipped(caching.InTreeCacheLocator):
    """The cache beside the sources, writable or not."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._room = Path(py_file).resolve().parent
        self._cache_path = str(code_cache.cache_of(self._room) / code_cache.stamp(self._room))

    def get_source_stamp(self) -> str:
        return code_cache.stamp(self._room)

    def ensure_cache_path(self) -> None:
        if not code_cache.is_warm(self._room):
            super().ensure_cache_path()


class _ForTheUser(caching.UserWideCacheLocator):
    """A read-only installation that nobody warmed: the user's cache folder."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        super().__init__(py_func, py_file)
        self._room = Path(py_file).resolve().parent

    def get_source_stamp(self) -> str:
        return code_cache.stamp(self._room)


class _CacheOfRoom(caching.CompileResultCacheImpl):
    _locator_classes: ClassVar[Any] = [_Shipped, _ForTheUser]


class _Cache(caching.FunctionCache):
    _impl_class = _CacheOfRoom

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()  # warmed for another processor and read-only: compile in memory


def loop(function: Callable[..., Any]) -> Any:
    """Compile a function for the types of each call, and keep what was made."""
    return _kept(njit(function), function)


def inlined(function: Callable[..., Any]) -> Any:
    """The same, written out where compiled code calls it."""
    return _kept(njit(function, inline="always"), function)


def _kept(dispatcher: Any, function: Callable[..., Any]) -> Any:
    with suppress(RuntimeError):  # no folder to write to at all: compile in memory
        dispatcher._cache = _Cache(function)
    return dispatcher


def compiled(function: F) -> F:
    """Compile a function that compiled code calls: once with amounts of 63 bits and, where asked for, of 128."""
    dispatcher: Any = _dispatcher(function)
    versions: dict[bool, Any] = {}

    def compile_as_annotated(given: tuple[Any, ...]) -> Any:
        wide = any(map(is_wide, given))
        if wide not in versions:
            versions[wide] = _compile(dispatcher, wide)
        return versions[wide]

    dispatcher.compile = compile_as_annotated  # whatever else the types of a call are
    return cast(F, dispatcher)


def wider(narrow: Callable[..., Any]) -> Callable[[F], F]:
    """For a function that is other code where amounts have 128 bits: what is compiled in its place."""

    def decorate(function: F) -> F:
        dispatcher = compiled(function)
        cast(Any, narrow).other = dispatcher
        return dispatcher

    return decorate


def entry(function: F) -> F:
    """Compile a function that Python calls."""
    return _entry(function, wide=False)


def wide_entry(function: F) -> F:
    """The same with amounts of 128 bits."""
    return _entry(function, wide=True)


def _entry(function: F, wide: bool) -> F:
    dispatcher = _dispatcher(function)

    def compile_once(_: object) -> Any:
        result = _compile(dispatcher, wide, entry=True)
        dispatcher.disable_compile()
        return result

    dispatcher.compile = compile_once
    return cast(F, dispatcher)


def _dispatcher(function: Callable[..., Any]) -> Any:
    dispatcher = _kept(njit(function, error_model="numpy", nogil=True), function)
    dispatcher.compile_for, dispatcher.other = dispatcher.compile, None
    return dispatcher


def _compile(dispatcher: Any, wide: bool, entry: bool = False) -> Any:
    """Compile for the types that the function's annotations say, and keep the result.

    Plain integers are int64, a named tuple of arrays is itself, `Annotated[…, dtype]` a row or an array of that
    type; so a constant at a call makes no second version. Division by zero cannot happen where the arrays are as
    `kernel/layout.py` says, so it is not looked for.
    """
    if wide and dispatcher.other is not None:
        result = dispatcher.other.compile((WIDE,))
        dispatcher.overloads.update(dispatcher.other.overloads)
        return result
    hints = get_type_hints(dispatcher.py_func, include_extras=True)
    hints.pop("return", None)
    return dispatcher.compile_for(
        tuple(machine_type(hint, entry=entry, wide=wide) for hint in hints.values())
    )
