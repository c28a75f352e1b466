"""How far a job is, told as its tasks end; only of a job that takes longer than a few seconds."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from time import perf_counter
from typing import Any

from lossledger.jobs.terminal import duration

QUIET_SECONDS = 3.0
LOOK_SECONDS = 1.0  # between two questions to Spark

Tell = Callable[[str], None]


def silent(text: str) -> None:
    """Nobody is there to be told."""


class Progress:
    """Of tasks that are taken to be of one size, with about `work` rows or bytes in all."""

    def __init__(self, tell: Tell, tasks: int, work: int, unit: str) -> None:
        self._tell, self._tasks, self._work, self._unit = tell, tasks, work, unit
        self._began = perf_counter()

    def ended(self, tasks: int) -> None:
        """So many tasks have ended."""
        spent = perf_counter() - self._began
        if spent >= QUIET_SECONDS and 0 < tasks < self._tasks:
            left = duration(spent / tasks * (self._tasks - tasks))
            done = self._work * tasks // self._tasks
            self._tell(f"{done:,} of about {self._work:,} {self._unit}, {left} left")


@contextmanager
def watched(context: Any, progress: Progress) -> Iterator[None]:
    """Ask Spark now and then how many tasks of the running job have ended."""
    over = Event()
    watcher = Thread(target=_watch, args=(context.statusTracker(), progress, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(tracker: Any, progress: Progress, over: Event) -> None:
    from py4j.protocol import Py4JError

    while not over.wait(LOOK_SECONDS):
        try:
            stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
        except (Py4JError, OSError):
            return  # Spark has gone: the job itself says so
        progress.ended(sum(stage.numCompletedTasks for stage in stages if stage))
