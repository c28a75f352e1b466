"""Which files a Delta table had in each of its versions: the whole log, read once for any number of versions."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple
from urllib.parse import unquote

from lossledger.engine.errors import ConfigError
from lossledger.schemas.core import Table
from lossledger.store.places import Place, entries
from lossledger.store.warehouse import Warehouse

LOG = "_delta_log"


class Span(NamedTuple):
    """The versions that have a file: from `added` on and before `removed`; a file that returns has another span."""

    path: str  # relative to the table
    day: date | None  # the value of its partition column; None where the table has none
    added: int
    removed: int | None

    def at(self, version: int) -> bool:
        return self.added <= version and (self.removed is None or version < self.removed)


class FileHistory(NamedTuple):
    """`committed_ms`: when each version was committed, in milliseconds since 1970, from version 0 on."""

    spans: list[Span]
    committed_ms: list[int]

    @property
    def head(self) -> int:
        return len(self.committed_ms) - 1

    @property
    def paths(self) -> set[str]:
        """Every file that the table ever had."""
        return {span.path for span in self.spans}

    def by_day(self) -> dict[date | None, list[Span]]:
        """The spans of every partition value."""
        found: dict[date | None, list[Span]] = {}
        for span in self.spans:
            found.setdefault(span.day, []).append(span)
        return found

    def version_at(self, moment_ms: int) -> int:
        """The newest version at a moment; -1 before the first one."""
        return max((n for n, made in enumerate(self.committed_ms) if made <= moment_ms), default=-1)

    def versions_since(self, moment_ms: int) -> set[int]:
        """Versions that were the newest at that moment or later: those of a reader that opened the table since."""
        replaced_ms = self.committed_ms[1:]
        old = {version for version, made in enumerate(replaced_ms) if made < moment_ms}
        return set(range(len(self.committed_ms))) - old

    def files_of(self, versions: Iterable[int]) -> set[str]:
        """The files that at least one of the versions has."""
        wanted = sorted(versions)
        firsts = (bisect_left(wanted, span.added) for span in self.spans)
        return {
            s.path for s, at in zip(self.spans, firsts, strict=True) if at < len(wanted) and s.at(wanted[at])
        }


def read_file_history(warehouse: Warehouse, table: Table) -> FileHistory:
    """ConfigError: a version is missing from the log. Lossledger itself never removes one."""
    folder = warehouse.path(table) / LOG
    commits = [p for p in entries(folder) if p.name.endswith(".json") and p.name[:-5].isdigit()]
    spans, times = list[Span](), list[int]()
    live: dict[str, int] = {}  # of the files of the version: where the span of each stands in `spans`
    for version, entry in enumerate(commits):
        if int(entry.name[:-5]) != version:
            raise _incomplete(warehouse, table, version)
        committed_ms = None
        for action in _actions(entry):
            if removed := action.get("remove"):
                at = live.pop(unquote(removed["path"]), None)
                if at is not None:
                    spans[at] = spans[at]._replace(removed=version)
            elif added := action.get("add"):
                live[unquote(added["path"])] = len(spans)
                spans.append(
                    Span(unquote(added["path"]), _day(table, added["partitionValues"]), version, None)
                )
            elif "commitInfo" in action:
                committed_ms = action["commitInfo"].get("timestamp")
        times.append(entry.stat().st_mtime_ns // 1_000_000 if committed_ms is None else committed_ms)
    if not times:
        raise _incomplete(warehouse, table, 0)
    return FileHistory(spans, times)


def _incomplete(warehouse: Warehouse, table: Table, version: int) -> ConfigError:
    return ConfigError(
        f"{table.full_name} in {warehouse.root}: version {version} is not in its log, so what was published is not "
        "known and nothing can be removed: restore the warehouse"
    )


def _actions(entry: Place) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in entry.read_bytes().splitlines() if line.strip())


def _day(table: Table, values: dict[str, str]) -> date | None:
    return date.fromisoformat(values[table.partition]) if table.partition else None
