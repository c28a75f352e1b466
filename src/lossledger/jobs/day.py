"""One business date of a run: its session, what stands before it, and where its tables are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from lossledger.engine.clock import day_of, iso
from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.policy import Policy
from lossledger.jobs.spark.mapper import Mapper
from lossledger.schemas.core import Table
from lossledger.store.arrow import arrow_schema
from lossledger.store.data_files import files_of
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.staging import Staging
from lossledger.store.warehouse import Warehouse

BEGINNING = -(1 << 62)


@dataclass
class Day:
    """What every stage of a date needs.

    `published` are the dates that count as published before it. Those not in `warehouse` itself are in `base`:
    a scenario that has just begun starts from the published state.
    """

    day: date
    warehouse: Warehouse
    landing: Place
    policy: Policy
    policy_sha256: str
    mapper: Mapper
    published: dict[date, PublishedDate]
    base: Warehouse | None = None
    fund_opening: Mapping[str, int] | None = None
    scenario: bool = False

    def __post_init__(self) -> None:
        before = self.day - timedelta(days=1)
        self.session_start, self.end = self.policy.session_bounds(self.day)
        self.first = not self.published or min(self.published) == self.day
        self.previous = None if self.first else self.published.get(before)
        if not self.first and self.previous is None:
            raise ConfigError(_not_next(self.day, sorted(self.published)))
        if self.previous and self.previous.end != self.session_start:
            raise ConfigError(
                f"policy: the session of {before} was published with its end at {iso(self.previous.end)}, and "
                f"{self.day} would now start at {iso(self.session_start)}: run again from {before}"
            )
        self.start = BEGINNING if self.first else self.session_start
        self.state = self.warehouse
        if self.base is not None and before not in published_days(self.warehouse):
            self.state = self.base

    @property
    def last_folder(self) -> date:
        """The last landing folder with events of the session."""
        return day_of(self.end - 1)

    def folders(self, landed: list[date]) -> list[date]:
        """The landing folders with events of the session, of those that there are."""
        return [d for d in landed if (self.first or d >= day_of(self.start)) and d <= self.last_folder]

    def before(self, table: Table) -> pa.Table:
        """The rows of the day before in a carried table; none on the first date."""
        if self.first:
            return arrow_schema(table).empty_table()
        return self.state.read(table, self.day - timedelta(days=1), version=self.state_version(table))

    def files_before(self, table: Table) -> list[Place]:
        """The files with these rows."""
        if self.first:
            return []
        return files_of(self.state, table, self.day - timedelta(days=1), self.state_version(table))

    def state_version(self, table: Table) -> int:
        """The version of a carried table that the day before was published with, not what a dead run left."""
        if self.previous is None:
            return self.state.version(table)
        return self.previous.version_of(table)

    @property
    def staging(self) -> Staging:
        """What its stages hand on to each other."""
        return Staging(self.warehouse.root, self.day, self.warehouse.token)


def _not_next(day: date, published: list[date]) -> str:
    first, last = published[0], published[-1]
    if day < first:
        return (
            f"{day} is before the first date of this warehouse: run from {first}, or into another warehouse"
        )
    return f"{day} leaves a gap after the last published date {last}: run from {last + timedelta(days=1)}"
