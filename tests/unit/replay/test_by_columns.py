"""The night's replay stages the same rows, in the same order, by every way that they can go.

By columns and the kernel, with some units left to amounts of 128 bits and some to the reference, in groups, stretches
of house accounts and parts of any size: as the engine's replay alone has them. Every file is read as columns, although
the cases are small.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import lossledger.jobs.replay.group
import lossledger.jobs.replay.house
from lossledger.jobs.day import Day
from lossledger.jobs.replay.event_states import changes_at
from lossledger.jobs.replay.events import FillRows, fill_batches
from lossledger.jobs.replay.fill_rows import some
from lossledger.jobs.replay.recompute import bucket_tasks, recompute
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.kernel.layout import Bucket
from lossledger.kernel.session import Replayed, replay_bucket
from lossledger.schemas.ledger import EVENT_STATES, FUNDING_TOTALS, REPLAYED
from lossledger.store.arrow import sort_by_key
from lossledger.store.staging import part_schema
from tests.cases import CASES, DATA, case_days, differences
from tests.properties.delivered import KINDS, write_small_market
from tests.reference_stage import changes_of, tables_of
from tests.unchecked import unchecked

Staged = dict[str, pa.Table]
ALWAYS = 0
MARKETS = [(kind, 4) for kind in KINDS]


class Ways:
    """In the place of the stage: every date is replayed every way, the last of which goes on to be published."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, all_ways: bool = True) -> None:
        """`all_ways`: also in groups, stretches and parts as small as can be, and with units left."""
        self.monkeypatch, self.all_ways = monkeypatch, all_ways
        self.taken = self.days = self.stretches = 0
        monkeypatch.setattr("lossledger.jobs.stages.recompute", self)
        monkeypatch.setattr("lossledger.jobs.attribute.trades.NET_IN_TASKS_FROM_ROWS", ALWAYS)

    def __call__(self, day: Day, *args: Any) -> None:
        self.days += 1
        with self.monkeypatch.context() as patch:
            patch.setattr("lossledger.jobs.replay.task.replayed", tables_of)
            expected = self._staged(day, *args)
        assert in_order(self._staged(day, *args)) == in_order(expected)
        if not self.all_ways:
            return
        assert in_order(self._staged(day, *args, left=half)) == in_order(expected)
        for left in (None, half):
            small = self._staged(day, *args, left=left, FILLS_AT_ONCE=1, UNIT_PART_ROWS=1)
            assert in_order(small) == in_order(expected)
        for task in bucket_tasks(day, *args):
            self._compare_changes(task)

    def _staged(
        self,
        day: Day,
        *args: Any,
        left: Callable[[int], Any] | None = None,
        **sizes: int,
    ) -> Staged:
        """`left`: which of so many units the kernel has to leave."""

        def leaving(market: Any, bucket: Bucket) -> Replayed:
            if left is not None:  # of these again some, when they are offered in amounts of 128 bits
                bucket.units["refused"][left(len(bucket.units))] = 1
            replayed = replay_bucket(market, bucket)
            self.taken += len(replayed.units)
            return replayed

        def stretch(market: Any, bucket: Bucket) -> Replayed:
            self.stretches += 1
            return leaving(market, bucket)

        with self.monkeypatch.context() as patch:
            patch.setattr(lossledger.jobs.replay.group, "replay_bucket", leaving)
            patch.setattr(lossledger.jobs.replay.house, "replay_bucket", stretch)
            for size, value in sizes.items():
                patch.setattr(f"lossledger.jobs.replay.task.{size}", value)
            if sizes:
                patch.setattr(lossledger.jobs.replay.group, "fill_batches", few_at_a_time)
            recompute(day, *args)
        parts = {t.name: [pq.ParquetFile(p).read() for p in day.staging.paths(t)] for t in REPLAYED.values()}
        return {name: pa.concat_tables(found) for name, found in parts.items() if found}

    def _compare_changes(self, task: BucketTask) -> None:
        """How units stood at instants at and beside those of fills: as the reference tells it, in any stretches."""
        fills = task.stream("fills", ("ts",)).read_all().column("ts").cast(pa.int64()).unique().to_pylist()
        instants = sorted({ts + d for ts in fills[::5] for d in (-1, 0, 1)})
        expected = changes([changes_of(task, instants)])
        assert changes(changes_at(task, instants)) == expected
        with self.monkeypatch.context() as patch:
            patch.setattr("lossledger.jobs.replay.event_states.FILLS_AT_ONCE", 1)
            patch.setattr(lossledger.jobs.replay.group, "fill_batches", few_at_a_time)
            assert changes(changes_at(task, instants)) == expected


def few_at_a_time(*args: Any) -> Iterator[FillRows]:
    """In the place of `fill_batches`."""
    for rows in fill_batches(*args):
        places = np.arange(len(rows.fills.unit)) // 3
        yield from (some(rows, places == place) for place in range(places[-1] + 1))


def changes(parts: Iterable[pa.Table]) -> pa.Table:
    return sort_by_key(EVENT_STATES, pa.concat_tables(parts).select(part_schema(EVENT_STATES).names))


def half(units: int) -> np.ndarray:
    return np.arange(0, units, 2)


def in_order(staged: Staged) -> Staged:
    """In the order of the key, without what each part adds up for itself."""
    tables = {table.name: table for table in REPLAYED.values() if table is not FUNDING_TOTALS}
    return {name: sort_by_key(tables[name], data) for name, data in staged.items() if name in tables}


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways, days = Ways(monkeypatch, all_ways=name.startswith("edges")), case_days(name)
    list(run(Request(DATA / name / "landing", tmp_path, days[0], days[-1], InProcess(3), check=unchecked)))
    assert differences(name, tmp_path) == {}
    assert ways.days == len(days)
    assert ways.taken > 0


@pytest.mark.parametrize("market", MARKETS, ids=lambda market: f"{market[0]}-{market[1]}")
def test_market(market: tuple[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ways, days = Ways(monkeypatch), write_small_market(tmp_path / "landing", *market)
    list(run(Request(tmp_path / "landing", tmp_path / "w", *days, InProcess(3), check=unchecked)))
    assert ways.days > 1
    assert ways.taken > 0
    assert ways.stretches > 10 * ways.days
