"""Files of published rows by table: for each date the files of its published version."""

from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow as pa

from lossledger.engine.clock import day_of, day_start_us
from lossledger.readers.published.pins import Pins
from lossledger.schemas import ledger, ops
from lossledger.schemas.core import BUSINESS_DATE, Table
from lossledger.schemas.registry import CARRIED, PUBLISHED, TABLES
from lossledger.store.arrow import arrow_schema
from lossledger.store.creation import has_log
from lossledger.store.delta import DataFile
from lossledger.store.file_history import FileHistory, read_file_history
from lossledger.store.published_dates import PublishedDate
from lossledger.store.warehouse import Warehouse

# Internal numbers of names have no meaning for a reader.
SHOWN = {name: table for name, table in TABLES.items() if table is not ledger.NUMBERS}
EVENTS = tuple(table for table in ledger.TYPED.values() if table.partition)
_REFERENCE = tuple(table for table in ledger.TYPED.values() if not table.partition)
_COUNTED = (ledger.DELIVERIES, ledger.QUARANTINE)
REFERENCE_DAY = date(1970, 1, 1)


def schema_of(table: Table) -> pa.Schema:
    """The columns that readers see: rows of ledger events get the business_date of their session."""
    schema = arrow_schema(table)
    if table in EVENTS:
        return schema.insert(0, pa.field("business_date", pa.date32(), False, {"comment": BUSINESS_DATE.doc}))
    return schema


class PublishedFiles:
    """Finds the files of each table; logs are read on demand."""

    def __init__(self, warehouse: Warehouse, pins: Pins) -> None:
        self.warehouse, self.pins = warehouse, pins

    def bounded(self, table: Table) -> bool:
        """Whether the files of a date hold events of other sessions too."""
        starts = (row.start for row in self.pins.days.values())
        return table in EVENTS and any(start != day_start_us(day_of(start)) for start in starts)

    def of(self, table: Table) -> list[DataFile]:
        """Files, each with its partition values."""
        if not self.pins.days or not has_log(self.warehouse.path(table)):
            return []
        log = read_file_history(self.warehouse, table)
        if table.full_name in PUBLISHED or table.full_name in CARRIED or table in ops.RECORDED:
            return list(self._pinned(table, log))
        if table in EVENTS:
            return list(self._events(table, log))
        return list(self._others(table, log))

    def _pinned(self, table: Table, log: FileHistory) -> Iterator[DataFile]:
        by_day = log.by_day()
        for day, row in self.pins.days.items():
            version = row.version_of(table)
            for span in by_day.get(day, ()):
                if span.at(version):
                    yield DataFile(span.path, {"business_date": day})

    def _events(self, table: Table, log: FileHistory) -> Iterator[DataFile]:
        by_day = log.by_day()
        for day, row in self.pins.days.items():
            version = self.pins.inputs.get(day, {}).get(table.name, self._newest(log))
            for folder in folders(row, min(filter(None, by_day), default=day)):
                for span in by_day.get(folder, ()):
                    if span.at(version):
                        yield DataFile(span.path, {"business_date": day, "event_date": folder})

    def _others(self, table: Table, log: FileHistory) -> Iterator[DataFile]:
        """Reference data and deliveries at the last date's versions; rows of operations for published dates only."""
        version, last = self._newest(log), max(self.pins.days)
        if table in (*_REFERENCE, *_COUNTED):
            version = self.pins.inputs_of(last).get(table.name, version)
            version = self.pins.days[last].table_versions.get(table.full_name, version)
        if table is ops.PUBLISHED_DAYS:
            version = self.pins.version
        last_folder = day_of(self.pins.days[last].end - 1)
        for span in log.spans:
            if span.at(version) and self._visible(table, span.day, last_folder):
                yield DataFile(span.path, {table.partition: span.day} if span.day else {})

    def _visible(self, table: Table, day: date | None, last_folder: date) -> bool:
        if day is None or day == REFERENCE_DAY:
            return True
        return day in self.pins.days if table.schema == "ops" else day <= last_folder

    def _newest(self, log: FileHistory) -> int:
        return log.head if self.pins.moment_ms is None else log.version_at(self.pins.moment_ms)


def folders(row: PublishedDate, earliest: date) -> Iterator[date]:
    """The folders with events of a session; the first date has no lower bound."""
    first = min(earliest, day_of(row.start)) if row.first_date else day_of(row.start)
    for number in range((day_of(row.end - 1) - first).days + 1):
        yield first + timedelta(days=number)
