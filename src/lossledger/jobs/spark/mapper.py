"""Running a function over tasks: by Spark, or in this process where starting it would cost more than it gives."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import forkserver, get_context
from typing import Any, Protocol, TypeVar

from lossledger.engine.errors import LossledgerError
from lossledger.jobs.spark.memory import InWorker, begin_worker, kept
from lossledger.jobs.spark.progress import Progress, Tell, silent, watched
from lossledger.store.thresholds import POOL_FROM_WORK

T = TypeVar("T")
R = TypeVar("R")


class Mapper(Protocol):
    """Applies a module-level function to every task; results in the order of the tasks."""

    tell: Tell  # who is told how far a job is, while it runs
    description: str  # the engine, for the line that `run` begins with

    @property
    def partitions(self) -> int:
        """Into how many tasks a replay is cut."""

    def cut(self, work: int) -> int:
        """Into how many tasks some work is cut: one where they would be done one after the other anyway."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T], work: int, unit: str = "rows") -> list[R]:
        """Apply; an error in a task is raised here. `work`: about how many rows, or bytes, there are in all."""

    def close(self) -> None:
        """End what was started only for this run; it may be used again."""


def new_mapper(engine: str | None = None, partitions: int | None = None) -> "InProcess | OnSpark":
    """What runs the tasks: `engine` is local or spark; None: spark where SPARK_MASTER names a cluster, else local."""
    if (engine or ("spark" if os.environ.get("SPARK_MASTER") else "local")) == "spark":
        return OnSpark(partitions)
    return InProcess(partitions)


class InProcess:
    """No Spark: this process, and where there is much to do others beside it, one a core."""

    def __init__(self, partitions: int | None = 2, processes: int | None = None) -> None:
        """`partitions`: always so many; None: one a core, where there is much to do."""
        self.tell: Tell = silent
        self.processes = processes or len(os.sched_getaffinity(0))
        self.description = f"local, up to {self.processes} processes"
        self.partitions = partitions or len(os.sched_getaffinity(0))
        self._always = partitions is not None
        self._pool: ProcessPoolExecutor | None = None

    def cut(self, work: int) -> int:
        return self.partitions if self._always or work >= POOL_FROM_WORK else 1

    def map(self, function: Callable[[T], R], tasks: Sequence[T], work: int, unit: str = "rows") -> list[R]:
        progress = Progress(self.tell, len(tasks), work, unit)
        results: list[R] = []
        for result in self._each(function, tasks, work):
            results.append(result)
            progress.ended(len(results))
        return results

    def _each(self, function: Callable[[T], R], tasks: Sequence[T], work: int) -> Iterator[R]:
        if work < POOL_FROM_WORK or len(tasks) < 2 or self.processes < 2:
            return map(function, tasks)
        if self._pool is None:
            # a fork would take over the locks of Arrow's threads
            with kept():
                forkserver.ensure_running()
            self._pool = ProcessPoolExecutor(
                self.processes, get_context("forkserver"), initializer=begin_worker
            )
        return self._pool.map(InWorker(function), tasks)

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


class OnSpark:
    """One Spark task per entry. The session starts with the first use and is shared by all dates of a run."""

    def __init__(self, partitions: int | None = None, much: int = POOL_FROM_WORK) -> None:
        """`partitions` as in InProcess; `much`: less work than that is done in this process."""
        self.tell: Tell = silent
        self.description = f"Spark, {os.environ.get('SPARK_MASTER') or 'on this machine'}"
        self._session: Any = None
        self._partitions = partitions
        self._much = much

    @property
    def _context(self) -> Any:
        if self._session is None:
            from lossledger.jobs.spark.session import spark_session

            self._session = spark_session()
        return self._session.sparkContext

    @property
    def partitions(self) -> int:
        return self._partitions or int(self._context.defaultParallelism)

    def cut(self, work: int) -> int:
        return self.partitions if self._partitions or work >= self._much else 1

    def map(self, function: Callable[[T], R], tasks: Sequence[T], work: int, unit: str = "rows") -> list[R]:
        if not tasks:
            return []
        if work < self._much:
            return [function(task) for task in tasks]
        given = self._context.parallelize(tasks, len(tasks))
        with watched(self._context, Progress(self.tell, len(tasks), work, unit)):
            results: list[R | LossledgerError] = given.map(_Guarded(function)).collect()
        return [_result(result) for result in results]

    def close(self) -> None:
        """The session stays: it ends with the process, and a later run goes on with it."""


class _Guarded:
    """Brings an error that a person can act on back as a value: Spark would bury it in its own."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, task: Any) -> Any:
        try:
            return self.function(task)
        except LossledgerError as error:
            return error


def _result(result: R | LossledgerError) -> R:
    if isinstance(result, LossledgerError):
        raise result
    return result
