"""Published dates as Arrow datasets and DuckDB views, each date at the versions that it was published with.

    tables = PublishedTables.open(Path("demo/warehouse"))
    tables.days                                     # the published dates
    tables.versions(day)["attribution.session_losses"]
    tables.rows("attribution.session_losses", [day])   # an Arrow table
    with tables.connect() as database:              # DuckDB, locked: no file, no network
        database.sql("SELECT * FROM socialised_losses ORDER BY charge DESC").fetchall()

Only the requested tables are read. A table's log is read once, when the table is first used.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.pins import Pins, open_warehouse, read_pins
from lossledger.readers.published.published_files import SHOWN, PublishedFiles, schema_of
from lossledger.readers.published.read_only_database import locked_database
from lossledger.schemas.core import Table
from lossledger.store.arrow import filled, to_rows
from lossledger.store.delta import dataset_of
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate
from lossledger.store.warehouse import Warehouse


class PublishedTables:
    """The published dates of a warehouse or of one of its scenarios, now or as of a time or run.

    What is not published is invisible: rows of other dates, and what a later or broken-off run wrote.
    """

    def __init__(self, warehouse: Warehouse, pins: Pins) -> None:
        self.warehouse, self.pins = warehouse, pins
        self._files = PublishedFiles(warehouse, pins)
        self._datasets: dict[str, Any] = {}

    @classmethod
    def open(
        cls, root: Place, as_of: str | datetime | None = None, scenario: str | None = None
    ) -> "PublishedTables":
        """`as_of`: a time (UTC where it names no zone), or the id of a run: what was published then.

        ConfigError: no warehouse, scenario, time or run of that name. There may be no published date: `days` is empty.
        """
        warehouse = open_warehouse(root, scenario)
        return cls(warehouse, read_pins(warehouse, as_of))

    @property
    def names(self) -> list[str]:
        """The tables that can be read, such as `attribution.session_losses`."""
        return list(SHOWN)

    @property
    def days(self) -> list[date]:
        """The published dates in order."""
        return sorted(self.pins.days)

    def published(self, day: date) -> PublishedDate:
        """The date's row of ops.published_days: run, session, hashes. ConfigError: it is not published."""
        if day not in self.pins.days:
            have = f"{self.days[0]} to {self.days[-1]}" if self.days else "none"
            raise ConfigError(f"{day} is not published in {self.warehouse.root}: published dates are {have}")
        return self.pins.days[day]

    def versions(self, day: date) -> dict[str, int]:
        """Table to Delta version for a date: its published tables, its carried state and the inputs it came from."""
        inputs = {f"ledger.{name}": version for name, version in self.pins.inputs_of(day).items()}
        return inputs | dict(self.published(day).table_versions)

    @cached_property
    def scales(self) -> Mapping[str, int]:
        """Decimals of a ledger unit, by currency."""
        return dict(to_rows(SHOWN["ledger.currencies"], self.rows("ledger.currencies")))

    def table(self, name: str) -> Any:
        """An Arrow dataset of a table's rows of all published dates, in its declared columns, nothing read yet.

        Events of the ledger (fills, transfers, ticks, …) have `business_date` too. Where sessions do not begin at
        midnight, a date's folders hold events of its neighbours: `rows` and `connect` leave them out. A column that
        came later is null in rows of before: `rows` and `connect` give what that stands for.
        """
        if name not in self._datasets:
            table = _declared(name)
            pieces = self._files.of(table)
            uri = self.warehouse.delta(table).table_uri if pieces else ""
            self._datasets[name] = dataset_of(uri, pieces, schema_of(table))
        return self._datasets[name]

    def rows(
        self,
        name: str,
        days: Iterable[date] | None = None,
        columns: list[str] | None = None,
        where: Any = None,
    ) -> pa.Table:
        """Rows of a table, of all published dates or some, as an Arrow table; `where`: an Arrow expression.

        ConfigError: a date is not published. Tables without `business_date` are given whole.
        """
        table, wanted = _declared(name), where
        if days is not None and "business_date" in schema_of(table).names:
            chosen = [self.published(day).day for day in days]
            wanted = _both(pc.field("business_date").isin(pa.array(chosen, pa.date32())), wanted)
        if self._files.bounded(table):
            wanted = _both(self._in_session(), wanted)
        return filled(table, self.table(name).to_table(columns=columns, filter=wanted))

    def _in_session(self) -> Any:
        inside = None
        for day, row in self.pins.days.items():
            this = (pc.field("business_date") == day) & (pc.field("ts") < _time(row.end))
            this = this if row.first_date else this & (pc.field("ts") >= _time(row.start))
            inside = this if inside is None else inside | this
        return inside

    def connect(self, names: Iterable[str] | None = None) -> duckdb.DuckDBPyConnection:
        """A DuckDB database with a view of each table (or of those named), by `schema.table` and by `table` alone.

        It reads these views and nothing else: no file, no network, no setting can be changed; times are UTC.
        Close it when done, or use it in a `with`.
        """
        chosen = {name: self.table(name) for name in (self.names if names is None else names)}
        bounded = {name for name in chosen if self._files.bounded(SHOWN[name])}
        return locked_database(chosen, bounded, list(self.pins.days.values()))


def _declared(name: str) -> Table:
    if name not in SHOWN:
        raise ConfigError(f"no table {name!r}; there is {', '.join(SHOWN)}")
    return SHOWN[name]


def _both(one: Any, other: Any) -> Any:
    return one if other is None else one & other


def _time(ts_us: int) -> pa.Scalar:
    return pa.scalar(ts_us, pa.timestamp("us", tz="UTC"))
