"""Version-pinned session inputs, shared by the nightly run and `explain`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from lossledger.engine.events import Trade
from lossledger.engine.intake.policy import Policy
from lossledger.schemas.core import Table
from lossledger.store.arrow import arrow_schema
from lossledger.store.delta import batches, dataset, filled_reader, read
from lossledger.store.reference_data import ReferenceData
from lossledger.store.table_cache import at_version
from lossledger.store.warehouse import NOT_THERE

_TIME = pa.timestamp("us", tz="UTC")
BUCKETS_NOTE = "account_buckets"  # of a part: the first bucket of its accounts, and the one after the last


@dataclass
class PinnedTable:
    """A Delta table pinned to a version, opened where it is read; NOT_THERE: it came later, and has no rows."""

    path: str
    version: int
    table: Table

    def open(self) -> DeltaTable:
        return at_version(self.path, self.version)

    def files(self) -> list[dict[str, Any]]:
        """The log's entry of each file of the table."""
        if self.version == NOT_THERE:
            return []
        found: list[dict[str, Any]] = pa.table(self.open().get_add_actions(flatten=True)).to_pylist()
        return found

    def read(self, filters: Any, partition: tuple[str, list[str]] | None = None) -> pa.Table:
        if self.version == NOT_THERE:
            return arrow_schema(self.table).empty_table()
        partitions = [(partition[0], "in", partition[1])] if partition else None
        return read(self.table, self.open(), partitions, filters)

    def stream(
        self, filters: Any, partition: tuple[str, list[str]], columns: Sequence[str]
    ) -> pa.RecordBatchReader:
        if self.version == NOT_THERE:
            return arrow_schema(self.table).empty_table().select(list(columns)).to_reader()
        found = dataset(self.table, self.open(), [(partition[0], "in", partition[1])])
        reader = found.scanner(columns=list(columns), filter=filters).to_reader()
        return filled_reader(self.table, reader)

    def batches(self, *how: Any, **options: Any) -> Iterator[pa.RecordBatch]:
        """As `store.delta.batches` has it."""
        return iter(()) if self.version == NOT_THERE else batches(self.table, self.open(), *how, **options)


@dataclass
class SessionInputs:
    """A session's inputs, of the accounts of some buckets: where things are, not the things themselves.

    `reference` may be without the accounts. `folders`: dates of the session's events; `previous`: the date before,
    whose state it starts from, None on a warehouse's first date.
    """

    buckets: list[int]
    start: int
    end: int
    folders: list[str]
    previous: str | None
    sources: dict[str, PinnedTable]
    reference: ReferenceData
    policy: Policy
    instants: list[int] = field(default_factory=list)  # snapshots of all units
    wallets_at: bool = False  # whether units are reported on when the venue has published their wallets
    adl_trades: frozenset[tuple[Trade, int]] = frozenset()  # trade and timestamp of fills of kind adl
    taken_trades: frozenset[tuple[Trade, int]] = (
        frozenset()
    )  # of clients' liquidations that a liquidator took over

    def events(self, name: str, *conditions: Any) -> pa.Table:
        """The session's rows of a dated dataset."""
        source = self.sources[name]
        if not self.folders:
            return arrow_schema(source.table).empty_table()
        return source.read(self._wanted(*conditions), ("event_date", self.folders))

    def stream(self, name: str, columns: Sequence[str], *conditions: Any) -> pa.RecordBatchReader:
        """As `events`, as a stream of some columns, for more rows than memory holds."""
        source = self.sources[name]
        if not self.folders:
            return arrow_schema(source.table).empty_table().select(list(columns)).to_reader()
        return source.stream(self._wanted(*conditions), ("event_date", self.folders), columns)

    def event_batches(
        self,
        name: str,
        columns: Sequence[str],
        coded: Sequence[str],
        *conditions: Any,
        every: tuple[int, int] = (0, 1),
        sparing: bool = False,
    ) -> Iterator[pa.RecordBatch]:
        """As `events`, in batches, in order of dates and of the rows in each file; or of every n-th file.

        `sparing`: as `store.delta.batches` has it.
        """
        if not self.folders:
            return iter(())
        dates = [("event_date", "in", self.folders)]
        wanted = self._wanted(*conditions)
        return self.sources[name].batches(dates, columns, wanted, coded, every=every, sparing=sparing)

    def most_rows(self, name: str, buckets: Sequence[int]) -> int:
        """The number of rows in the files of the session that can have rows of some buckets."""
        rows = 0
        for file in self.sources[name].files() if self.folders else []:
            low, high = file.get("min.account_bucket"), file.get("max.account_bucket")
            mine = low is None or high is None or any(low <= bucket <= high for bucket in buckets)
            if mine and file["partition.event_date"].isoformat() in self.folders:
                rows += int(file["num_records"])
        return rows

    def _wanted(self, *conditions: Any) -> Any:
        wanted = pc.field("ts") < pa.scalar(self.end, _TIME)
        if self.start > 0:
            wanted &= pc.field("ts") >= pa.scalar(self.start, _TIME)
        for condition in conditions:
            wanted &= condition
        return wanted

    def state(self, name: str, filters: Any = None) -> pa.Table:
        """The rows of the day before, of these buckets and maybe of others."""
        table = self.sources[name].table
        if self.previous is None:
            return arrow_schema(table).empty_table()
        columns = [column.name for column in table.columns]
        found = list(self.state_batches(name, columns, (), self.buckets, filters))
        return (
            pa.Table.from_batches(found).cast(arrow_schema(table))
            if found
            else arrow_schema(table).empty_table()
        )

    def state_batches(
        self,
        name: str,
        columns: Sequence[str],
        coded: Sequence[str],
        buckets: Sequence[int],
        filters: Any = None,
    ) -> Iterator[pa.RecordBatch]:
        """Rows of the day before, from files that can have accounts of some buckets: others' are among them."""
        if self.previous is None:
            return iter(())
        dates = [("business_date", "in", [self.previous])]

        def wanted(notes: Mapping[bytes, bytes]) -> bool:
            noted = notes.get(BUCKETS_NOTE.encode())
            first, after = map(int, noted.split()) if noted else (0, buckets[-1] + 1)
            return first <= buckets[-1] and buckets[0] < after

        return self.sources[name].batches(dates, columns, filters, coded, wanted)
