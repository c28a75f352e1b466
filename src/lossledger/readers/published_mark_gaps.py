"""Gaps in the marks of published dates, from ops.dq_results."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import pyarrow.compute as pc

from lossledger.engine.intake.parsing import parse_time_us
from lossledger.expectations.findings import MARK_GAP, detail, kind_of
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.arrow import to_rows

_COLUMNS = ("business_date", "run_id", "expectation", "examples")


class MarkGap(NamedTuple):
    """A gap in the marks of an instrument that clients held: since its last tick, until the next one or the end.

    Times in microseconds. `episodes`: how many liquidations in it start after `since`; `first`: ids of some.
    """

    day: date
    instrument_id: str
    since: int
    until: int
    episodes: int
    first: tuple[str, ...]
    expectation: str

    @property
    def seconds(self) -> int:
        return (self.until - self.since) // 1_000_000


def read_mark_gaps(tables: PublishedTables, days: Iterable[date]) -> list[MarkGap]:
    """The gaps of published dates, ordered by date, instrument and time."""
    runs = {(day, tables.published(day).run_id) for day in days}
    if not runs:
        return []
    wanted = pc.starts_with(pc.field("expectation"), MARK_GAP)
    data = tables.rows(DQ_RESULTS.full_name, sorted({day for day, _ in runs}), where=wanted)
    rows = [row for row in to_rows(DQ_RESULTS, data, _COLUMNS) if row[:2] in runs]
    return sorted(_gaps(rows))


def _gaps(rows: Iterable[tuple[Any, ...]]) -> Iterator[MarkGap]:
    for day, _, expectation, examples in rows:
        if kind_of(expectation) == MARK_GAP:
            found = detail(examples)
            since, until = parse_time_us(found["since"]), parse_time_us(found["until"])
            first = tuple(found["first_episodes"])
            yield MarkGap(day, found["instrument_id"], since, until, found["episodes"], first, expectation)
