"""Rejected rows: of published dates at their published versions, of other dates from the newest load.

Dates that failed or were never published are included: rejected rows are written before the checks run.
"""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import cached_property

import duckdb
import pyarrow as pa

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.pins import Pins, open_warehouse, read_pins
from lossledger.readers.published.published_files import REFERENCE_DAY, folders
from lossledger.readers.query.query_result import FORMATS, Result
from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import DELIVERIES, QUARANTINE
from lossledger.store.arrow import arrow_schema, to_rows
from lossledger.store.creation import has_log
from lossledger.store.delta import DataFile, dataset_of
from lossledger.store.file_history import Span, read_file_history
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate
from lossledger.store.quarantine_summary import RejectionSummary, count_rejected, quarantine_database
from lossledger.store.warehouse import Warehouse

PUBLISHED, NOT_PUBLISHED = "published", "not published"
MOST = 1000  # rows of a table on a terminal, which is laid out as a whole
_ROWS = "select business_date, dataset, file, row_number, reasons, row from"
_LISTED = f"""
    select business_date, '{PUBLISHED}' as load, * exclude business_date from ({_ROWS} published)
    union all
    select business_date, '{NOT_PUBLISHED}', * exclude business_date from ({_ROWS} newest except {_ROWS} published)
"""


class Quarantine:
    """The rejected rows of a warehouse. The log is read once; only files with rejected rows are opened."""

    def __init__(self, warehouse: Warehouse, pins: Pins) -> None:
        self.warehouse, self.pins = warehouse, pins

    @classmethod
    def open(cls, root: Place, scenario: str | None = None) -> "Quarantine":
        """ConfigError: no warehouse or scenario there."""
        warehouse = open_warehouse(root, scenario)
        return cls(warehouse, read_pins(warehouse))

    @cached_property
    def _files(self) -> Mapping[date, list[Span]]:
        """All files of the quarantine in its history, by date."""
        if not has_log(self.warehouse.path(QUARANTINE)):
            return {}
        found: dict[date, list[Span]] = {}
        for day, spans in read_file_history(self.warehouse, QUARANTINE).by_day().items():
            if day is not None:
                found[day] = spans
        return found

    def newest(self, day: date) -> list[DataFile]:
        """Files with the rows rejected by the newest load of a folder's date, published or not."""
        return [_piece(span) for span in self._files.get(day, ()) if span.removed is None]

    def published(self, folder: date) -> list[DataFile] | None:
        """Files with a folder's rejected rows at its session's published version; None: not published."""
        days = [row for row in self._sessions(folder) if row.day in self.pins.days]
        return self._of(max(days, key=lambda row: row.day), folder) if days else None

    def _of(self, row: PublishedDate, folder: date) -> list[DataFile]:
        spans = self._files.get(folder, [])
        if not spans:
            return []
        recorded = self.pins.inputs_of(row.day).get(QUARANTINE.name)
        version = row.table_versions.get(QUARANTINE.full_name, recorded)
        return [_piece(span) for span in spans if version is None or span.at(version)]

    def _sessions(self, folder: date) -> Iterator[PublishedDate]:
        """Published dates whose session has events of a folder; the first date includes all earlier folders."""
        days = self.pins.days
        near = [days[d] for d in (folder, folder - timedelta(days=1)) if d in days]
        first = days[min(days)] if days else None
        yield from near
        if first is not None and folder < first.day:
            yield first

    def days(self) -> list[date]:
        """The published dates that were published with rejected rows."""
        return [day for day, row in self.pins.days.items() if self._pieces(row)]

    def describe_date(self, day: date) -> list[str]:
        """The rejected rows of a published date, one line per dataset and folder."""
        row = self.pins.days[day]
        recorded = self.pins.inputs_of(day).get(DELIVERIES.name)
        return self._describe(self._pieces(row), row.table_versions.get(DELIVERIES.full_name, recorded))

    def describe_load(self, folder: date) -> list[str]:
        """The rows rejected by the newest load of a folder's date, one line per dataset."""
        return self._describe(self.newest(folder), None)

    def _pieces(self, row: PublishedDate) -> list[DataFile]:
        if not self._files:
            return []
        between = folders(row, min(*self._files, row.day))
        return [piece for folder in between if folder in self._files for piece in self._of(row, folder)]

    def _describe(self, pieces: list[DataFile], version: int | None) -> list[str]:
        if not pieces:
            return []
        columns = ("event_date", "dataset", "rows")
        deliveries = to_rows(DELIVERIES, self.warehouse.read(DELIVERIES, version=version), columns)
        rows = {(day, name): count for day, name, count in deliveries}
        return [_line(found, rows) for found in count_rejected(self._rows(pieces))]

    def _rows(self, pieces: list[DataFile]) -> object:
        return dataset_of(self.warehouse.delta(QUARANTINE).table_uri, pieces, arrow_schema(QUARANTINE))

    def register(self, database: duckdb.DuckDBPyConnection, day: date | None) -> None:
        """Registers the tables `published` and `newest`, of one folder's date or of all."""
        wanted = [day] if day else sorted(self._files)
        published: list[DataFile] = []
        newest: list[DataFile] = []
        for folder in wanted:
            then, now = self.published(folder), self.newest(folder)
            published += then or []
            newest += now if then != now else []
        for name, pieces in (("published", published), ("newest", newest)):
            empty = pa.table(arrow_schema(QUARANTINE).empty_table())
            database.register(name, self._rows(pieces) if pieces else empty)


def _piece(span: Span) -> DataFile:
    return DataFile(span.path, {QUARANTINE.partition: span.day} if span.day else {})


def _line(found: RejectionSummary, rows: Mapping[tuple[date, str], int]) -> str:
    folder = found.day if DATASETS[found.dataset].dated else REFERENCE_DAY
    of = f" of {rows[folder, found.dataset]}" if (folder, found.dataset) in rows else ""
    return f"{found.label}: {found.rows}{of} rows quarantined: {found.examples}"


def quarantine_lines(
    root: Place,
    day: date | None = None,
    dataset: str | None = None,
    reason: str | None = None,
    form: str = "table",
    scenario: str | None = None,
) -> Iterator[str]:
    """The rejected rows, optionally of one folder's date, of one dataset, or with a text in their reasons.

    Column `load`: whether the row's date is published without it. ConfigError: no such warehouse or dataset.
    """
    if dataset is not None and dataset not in DATASETS:
        raise ConfigError(f"no dataset {dataset!r}; there is {', '.join(DATASETS)}")
    quarantine = Quarantine.open(root, scenario)
    with quarantine_database() as database:
        quarantine.register(database, day)
        database.execute(f"create temp view listed as {_LISTED}")
        wanted, given = _filter(dataset, reason)
        counted = database.execute(f"select count(*) from listed where {wanted}", given).fetchone()
        count = counted[0] if counted else 0
        if not count and form == "table":
            yield _none(day, dataset, reason)
            return
        limit = f"limit {MOST}" if form == "table" else ""
        database.execute(f"select * from listed where {wanted} order by all {limit}", given)
        yield from FORMATS[form](Result.of(database, {}))
        if form == "table" and count > MOST:
            yield f"these are the first of {count:,}: --format csv lists all, --dataset and --reason fewer"


def _filter(dataset: str | None, reason: str | None) -> tuple[str, list[str]]:
    conditions = {"dataset = ?": dataset, "contains(lower(reasons), lower(?))": reason}
    given = {condition: value for condition, value in conditions.items() if value is not None}
    return " and ".join(given) or "true", list(given.values())


def _none(day: date | None, dataset: str | None, reason: str | None) -> str:
    of = [f"date {day}" if day else "", dataset or "", f"reason {reason!r}" if reason else ""]
    filters = ", ".join(filter(None, of))
    return "no rejected rows" + (f" of {filters}" if filters else "")
