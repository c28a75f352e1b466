"""Which files a Delta table had at every version: its whole log read once, however many versions are asked for."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import unquote

from lossledger.engine.errors import ConfigError
from lossledger.schemas.core import Table
from lossledger.store.places import entries
from lossledger.store.warehouse import Warehouse


class Span(NamedTuple):
    """A file, relative to its table, and the versions that have it: from `added` on and before `removed`."""

    path: str
    day: date | None  # the value of its partition column; None where the table has none
    added: int
    removed: int | None

    def at(self, version: int) -> bool:
        return self.added <= version and (self.removed is None or version < self.removed)


class Log(NamedTuple):
    """`committed_ms`: when each version was committed, in milliseconds since 1970, by version."""

    spans: list[Span]
    committed_ms: list[int]

    @property
    def head(self) -> int:
        return len(self.committed_ms) - 1

    def by_day(self) -> dict[date | None, list[Span]]:
        """All files that a date ever had, by date."""
        found: dict[date | None, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.day, []).append(span)
        return found

    def version_at(self, moment_ms: int) -> int:
        """The newest version of a moment; -1 before the first one."""
        return max((n for n, made in enumerate(self.committed_ms) if made <= moment_ms), default=-1)


def read_log(warehouse: Warehouse, table: Table) -> Log:
    """ConfigError: commits are missing. Nothing of ours takes any away."""
    folder = warehouse.path(table) / "_delta_log"
    commits = [
        entry for entry in entries(folder) if entry.name.endswith(".json") and entry.name[:-5].isdigit()
    ]
    if not commits or [int(entry.name[:-5]) for entry in commits] != list(range(len(commits))):
        raise ConfigError(
            f"{table.full_name} in {warehouse.root}: commits are missing from its log, so what was published "
            "cannot be told: restore the warehouse"
        )
    added: dict[str, tuple[date | None, int]] = {}
    removed: dict[str, int] = {}
    times = []
    for version, entry in enumerate(commits):
        committed_ms = 0
        for action in _actions(entry.read_bytes().splitlines()):
            if "add" in action:
                add = action["add"]
                added[unquote(add["path"])] = (_day(table, add["partitionValues"]), version)
            elif "remove" in action:
                removed[unquote(action["remove"]["path"])] = version
            elif "commitInfo" in action:
                committed_ms = action["commitInfo"].get("timestamp", 0)
        times.append(committed_ms)
    spans = [Span(path, day, since, removed.get(path)) for path, (day, since) in added.items()]
    return Log(spans, times)


def _actions(lines: Iterable[bytes]) -> Iterable[dict[str, Any]]:
    return (json.loads(line) for line in lines if line)


def _day(table: Table, values: dict[str, str]) -> date | None:
    return date.fromisoformat(values[table.partition]) if table.partition else None
