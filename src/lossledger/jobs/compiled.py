"""Whether the loops of load and replay are compiled already: the first date of an installation waits for it."""

from pathlib import Path

from lossledger.kernel.code_cache import ROOM, is_warm

_LOAD = Path(__file__).resolve().parent / "load" / "columns"
NOTE = (
    "the loops of load and replay are not compiled yet: this run compiles what it needs first, in about a minute; "
    "`lossledger compile` does it ahead"
)


def is_compiled() -> bool:
    """Whether machine code of these very sources is kept beside them."""
    return is_warm(ROOM) and is_warm(_LOAD)
