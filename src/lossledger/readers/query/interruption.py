"""Work of DuckDB that Ctrl-C ends: within a call of its own it does not hear it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import duckdb


def waiting_for(database: duckdb.DuckDBPyConnection, work: Callable[..., Any], *arguments: Any) -> Any:
    """What `work` gives, done in a thread; a KeyboardInterrupt in this one breaks the query off."""
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(work, *arguments)
        try:
            return running.result()
        except KeyboardInterrupt:
            database.interrupt()
            raise
