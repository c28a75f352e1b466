"""What worker processes do about memory: they keep what a task has given back for the next one of its kind.

To give it back and be given it anew costs a fault for every page, and on a virtual machine one of its host's besides:
a tenth of a large load. Settings of the environment that are there already are left as they are.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 27),  # bytes: smaller arrays come from the heap, which keeps them
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "MIMALLOC_PURGE_DELAY": "-1",  # Arrow's own: never
}
_job: list[int] = []  # of which this process did the last task


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


@dataclass(frozen=True)
class OfJob:
    """A function for a worker, which gives back what an earlier job has left to it."""

    function: Callable[[Any], Any]
    job: int

    def __call__(self, task: Any) -> Any:
        if _job != [self.job]:
            give_back()
            _job[:] = [self.job]
        return self.function(task)


def give_back() -> None:
    """Give the memory that is not in use back to the system."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU library
    if trim is not None:
        trim(0)
