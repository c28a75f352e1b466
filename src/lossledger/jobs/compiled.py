"""Whether the loops of load and replay are compiled already: the first large date of an installation waits for it."""

from pathlib import Path

from lossledger.kernel.code_cache import ROOM, is_warm

_LOAD = Path(__file__).resolve().parent / "load" / "columns"
NOTE = (
    "the compiled loops of load and replay are not there yet: a large date makes them first, in about a minute; "
    "`lossledger compile` makes them ahead"
)


def is_compiled() -> bool:
    """Whether machine code of these very sources is kept beside them."""
    return is_warm(ROOM) and is_warm(_LOAD)
