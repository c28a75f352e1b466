"""Who paid when an account fell below zero: liquidations, insurance fund and socialised losses, exactly.

What may be imported, and stays from release to release, is in `__all__`; docs/python.md has examples. Every other
module is internal and may change. Each name is loaded at its first use, so `import lossledger` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossledger.engine.errors import (
        ConfigError,
        ConflictError,
        DataError,
        InvariantError,
        LossledgerError,
    )
    from lossledger.engine.session import Carried, Outcome, SessionInput, run_session
    from lossledger.readers.api import open_warehouse, query
    from lossledger.readers.published.published_tables import PublishedTables

_MODULES = {
    "lossledger.engine.errors": (
        "ConfigError",
        "ConflictError",
        "DataError",
        "InvariantError",
        "LossledgerError",
    ),
    "lossledger.engine.session": ("Carried", "Outcome", "SessionInput", "run_session"),
    "lossledger.readers.api": ("open_warehouse", "query"),
    "lossledger.readers.published.published_tables": ("PublishedTables",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "Carried",
    "ConfigError",
    "ConflictError",
    "DataError",
    "InvariantError",
    "LossledgerError",
    "Outcome",
    "PublishedTables",
    "SessionInput",
    "open_warehouse",
    "query",
    "run_session",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
