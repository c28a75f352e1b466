"""Which files a Delta table had in which of its versions, from its log: one reading tells it for all of them."""

import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from lossledger.engine.errors import ConfigError
from lossledger.store.places import Place, entries

NEVER = 1 << 62  # the version, or time, at the end of what has not ended
LOG = "_delta_log"


@dataclass
class History:
    """`made_at`: when each version was committed, in milliseconds, from version 0 on.

    `spans`: for every file that was ever named, by its place below the table, the versions [from, to) that name it.
    """

    made_at: list[int] = field(default_factory=list)
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def since(self, time_ms: int) -> set[int]:
        """The versions that were the newest at that time or later: who opened the table then reads one of them."""
        ends = [*self.made_at[1:], NEVER]
        return {version for version, end in enumerate(ends) if end >= time_ms}

    def files_of(self, versions: Iterable[int]) -> set[str]:
        """The files that at least one of the versions names."""
        wanted = sorted(versions)

        def is_named(first: int, end: int) -> bool:
            at = bisect_left(wanted, first)
            return at < len(wanted) and wanted[at] < end

        return {file for file, spans in self.spans.items() if any(is_named(*span) for span in spans)}


def read_history(table: Place) -> History:
    """All versions of the table. ConfigError when its log has a gap: then nobody can tell what a version named."""
    history = History()
    commits = [p for p in entries(table / LOG) if p.name.endswith(".json") and p.name[:-5].isdigit()]
    for version, entry in enumerate(commits):
        if int(entry.name[:-5]) != version:
            raise ConfigError(
                f"{table}: version {version} is not in the log, so nothing of it can be removed"
            )
        _take(history, version, entry)
    return history


def _take(history: History, version: int, entry: Place) -> None:
    made_at = entry.stat().st_mtime_ns // 1_000_000
    added, removed = [], []
    for action in _actions(entry):
        made_at = action.get("commitInfo", {}).get("timestamp", made_at)
        added += [unquote(a["path"]) for a in [action.get("add")] if a]
        removed += [unquote(a["path"]) for a in [action.get("remove")] if a]
    history.made_at.append(made_at)
    for file in removed:
        spans = history.spans.get(file)
        if spans:
            spans[-1] = (spans[-1][0], version)
    for file in added:
        history.spans.setdefault(file, []).append((version, NEVER))


def _actions(entry: Place) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in entry.read_text(encoding="utf-8").splitlines() if line.strip())
