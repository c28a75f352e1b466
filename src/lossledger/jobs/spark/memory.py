"""Worker processes keep the memory that a task has given back for the next one, and end with their run.

To give it back and be given it anew costs a fault for every page, and on a virtual machine one of its host's besides:
a tenth of a large load. Settings of the environment that are there already are left as they are.
"""

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import wait
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

import pyarrow as pa

SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 27),  # bytes: smaller arrays come from the heap, which keeps them
    "MALLOC_TRIM_THRESHOLD_": str(1 << 34),
    "MALLOC_TOP_PAD_": str(1 << 26),
    "MIMALLOC_PURGE_DELAY": "-1",  # Arrow's own: never
}
IDLE_SECONDS = 1.0  # after which a worker gives back what its tasks have left to it

T = TypeVar("T")
R = TypeVar("R")


@contextmanager
def kept() -> Iterator[None]:
    """For processes that are started meanwhile."""
    mine = {name: value for name, value in SETTINGS.items() if name not in os.environ}
    os.environ.update(mine)
    try:
        yield
    finally:
        for name in mine:
            os.environ.pop(name, None)


@dataclass
class Worker:
    """What a worker process does beside its tasks."""

    busy: bool = False
    idle_since: float = 0.0
    holds: bool = False  # memory of a task that has ended

    def do(self, function: Callable[[T], R], task: T) -> R:
        self.busy = True
        try:
            return function(task)
        finally:
            self.busy, self.holds, self.idle_since = False, True, monotonic()

    def watch(self, run: int) -> None:
        """Give memory back where no task comes for a while, and end with the run, whose sentinel is given.

        A run that is killed tells nobody, and workers would wait for it for ever.
        """
        while not wait([run], timeout=IDLE_SECONDS):
            if self.holds and not self.busy and monotonic() - self.idle_since >= IDLE_SECONDS:
                self.holds = False
                give_back()
        os._exit(1)


_worker = Worker()


def begin_worker() -> None:
    """In a new worker process."""
    run = parent_process()
    if run is not None:
        Thread(target=_worker.watch, args=(run.sentinel,), daemon=True, name="watch").start()


@dataclass(frozen=True)
class InWorker:
    """A function as a worker calls it."""

    function: Callable[[Any], Any]

    def __call__(self, task: Any) -> Any:
        return _worker.do(self.function, task)


def give_back() -> None:
    """Give the memory that is not in use back to the system."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of the GNU library
    if trim is not None:
        trim(0)
