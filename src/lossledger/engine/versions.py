"""What is effective at a time (rules.md section 1): the version with the largest valid_from that has come."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Generic, TypeVar

from lossledger.engine.clock import NEVER

T = TypeVar("T")


class Versions(Generic[T]):
    """Effective-dated versions of one thing, by `valid_from` in microseconds; of two with one the later given."""

    def __init__(self, versions: Iterable[tuple[int, T]] = ()) -> None:
        self._items = sorted(versions, key=lambda version: version[0])
        self._starts = [start for start, _ in self._items]

    def at(self, ts: int) -> T | None:
        """The version effective at ts, None before the first one: the thing is unknown then."""
        index = bisect_right(self._starts, ts)
        return self._items[index - 1][1] if index else None

    def next_change(self, ts: int) -> int:
        """When the first version after ts becomes effective, NEVER after the last one."""
        index = bisect_right(self._starts, ts)
        return self._starts[index] if index < len(self._starts) else NEVER

    def known_at(self, ts: int) -> "Versions[T]":
        """The versions that are effective at ts or were before."""
        return Versions(self._items[: bisect_right(self._starts, ts)])

    def items(self) -> list[tuple[int, T]]:
        """(valid_from, version) in order of time."""
        return list(self._items)

    def values(self) -> list[T]:
        """All versions in order of time."""
        return [version for _, version in self._items]
