"""Trades netted at size: the sides of a trade stand by account, so tasks bring them together by hashes of their ids.

First a task per some files of the ledger cuts its fills into shares by hash, then a task per share counts the sides of
each trade and looks whether they net to zero, by 128 bits of the id's hash. Trades that may not net are few: their
fills are read again, and a database says by their ids what they are (`jobs.attribute.trades`). A database that nets
all of them needs 2 GiB and twice the time for 40 million.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from lossledger.jobs.attribute.shares import (
    FillsTask,
    ShareTask,
    cut_fills,
    merged,
    net_share,
    rows_of_candidates,
)
from lossledger.jobs.day import Day
from lossledger.jobs.replay.source import BucketTask
from lossledger.schemas.ledger import BUCKETS
from lossledger.store.places import Place, place, remove_tree
from lossledger.store.staging import of_writer

SHARE = 1 << 21  # sides of a share, about

Earlier = Callable[[Sequence[tuple[str, str]]], Any]


class Counted(NamedTuple):
    """Trades with one side and with more, and files of hashes of those that may not net."""

    one_sided: int
    many_sided: int
    candidates: list[str]


@dataclass
class Netting:
    """The driver of the tasks: it sees counts and names of files.

    `earlier`: a filter for fills of sessions before, of trades whose ids lie in some ranges. A trade of which they
    have a side has been netted there.
    """

    day: Day
    inputs: BucketTask
    earlier: Earlier

    def __post_init__(self) -> None:
        self._folder: Place = self.day.staging.folder / f"netting{of_writer(self.day.staging.writer)}"
        self._rows = self.inputs.most_rows("fills", range(BUCKETS))
        self._before: list[FillsTask] = []
        self.clean()

    def clean(self) -> None:
        """Remove what passed between the tasks."""
        remove_tree(self._folder)

    def _tasks(self) -> list[FillsTask]:
        shares = max(1, -(-self._rows // SHARE))
        count = max(1, min(self.day.mapper.cut(self._rows) * 4, shares))
        return [FillsTask(self.inputs, str(self._folder), n, count, shares) for n in range(count)]

    def counts(self) -> Counted:
        """Of the trades whose earliest side is in the session."""
        tasks = self._tasks()
        cuts = self.day.mapper.map(cut_fills, tasks, self._rows)
        ranges = merged(cut.ranges for cut in cuts)
        if ranges and not self.day.first:
            folder, wanted = str(self._folder / "before"), self.earlier(ranges)
            self._before = [replace(task, folder=folder, earlier=wanted) for task in tasks]
        earlier = self.day.mapper.map(cut_fills, self._before, self._rows)
        files, before = ([file for cut in some for file in cut.files] for some in (cuts, earlier))
        shares = [
            ShareTask(files, before, n, str(self._folder / f"candidates-{n}.npy"))
            for n in range(tasks[0].shares)
        ]
        netted = self.day.mapper.map(net_share, shares, self._rows)
        one, many = (sum(column) for column in zip(*(n[:2] for n in netted), strict=True))
        return Counted(one, many, [n.candidates for n in netted if n.candidates])

    def candidates(self, hashes: Sequence[str]) -> tuple[list[Place], list[Place]]:
        """Files of the fills of these trades, in the session and before it; others may be among them."""

        def rows(tasks: Sequence[FillsTask]) -> list[Place]:
            asked = [replace(task, candidates=hashes) for task in tasks]
            found = self.day.mapper.map(rows_of_candidates, asked, self._rows)
            return [place(path) for paths in found for path in paths]

        return rows(self._tasks()), rows(self._before)
