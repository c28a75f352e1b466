"""Makes DuckDB calls interruptible: during a call in the main thread Python does not handle Ctrl-C."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb


def run_interruptible(database: duckdb.DuckDBPyConnection, work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of `work`, run in a thread; a KeyboardInterrupt in the calling thread interrupts the query."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(work, *arguments)
        try:
            return running.result()
        except KeyboardInterrupt:
            database.interrupt()
            raise
