"""What worker processes are told about memory: to keep what a task has given back for the next one.

To give it back and be given it anew costs a fault for every page, and on a virtual machine one of its host's besides:
a tenth of a large load. Settings of the environment that are there already are left as they are.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 32),  # bytes: arrays come from the heap, which keeps them
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "MIMALLOC_PURGE_DELAY": "-1",  # Arrow's own: never
}


def settings() -> dict[str, str]:
    """Those that the environment does not say already."""
    return {name: value for name, value in SETTINGS.items() if name not in os.environ}


@contextmanager
def kept() -> Iterator[None]:
    """For processes that are started meanwhile."""
    mine = settings()
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)
