"""A date's replayed rows as tables of a database, and the published ones as queries over them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from lossledger.schemas.core import Table
from lossledger.store.arrow import plain_rows
from lossledger.store.duck import connect, exact, select_files
from lossledger.store.places import Copies, Place
from lossledger.store.staging import Part, Staging

BATCH = 1 << 16


@dataclass
class Books:
    """Views of staged tables under their names, and `currencies` (currency, unit).

    Amounts are DECIMAL(38,0) in ledger units; times the currency's unit they are DECIMAL(38,18). Both are exact, and
    an error where they leave their 38 digits.
    """

    staging: Staging
    scales: Mapping[str, int]
    size: int  # about how many rows its queries look at
    connection: duckdb.DuckDBPyConnection = field(init=False)
    copies: Copies = field(init=False, default_factory=Copies)

    def __post_init__(self) -> None:
        self.connection = connect(self.staging.spill, self.size)
        units = [Decimal(f"1e-{scale}") for scale in self.scales.values()]
        self.add(
            "currencies",
            pa.table(
                {
                    "currency": pa.array(list(self.scales), pa.string()),
                    "unit": pa.array(units, pa.decimal128(38, 18)),
                }
            ),
        )

    def __enter__(self) -> "Books":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self.copies.__exit__()

    def view(self, table: Table, parts: Sequence[Part] | None = None) -> None:
        """A staged table, or some of its parts, under its name."""
        files = self.staging.paths(table) if parts is None else self.staging.files(table, parts)
        self.files(table.name, table, files)

    def files(self, name: str, table: Table, files: Sequence[Place], day: date | None = None) -> None:
        query = select_files(self.copies.of(files), table, day)
        self.connection.execute(f'create temp view "{name}" as {query}')

    def add(self, name: str, data: pa.Table) -> None:
        """Rows in memory under a name."""
        self.connection.register(name, data)

    def rows(self, query: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """The rows of a query that follows events; decimals as unscaled integers, times as microseconds."""
        return plain_rows(self.table(query, *parameters))

    def table(self, query: str, *parameters: Any) -> pa.Table:
        with exact("a sum"):
            return self.connection.execute(query, parameters).to_arrow_table()

    def execute(self, statement: str) -> None:
        with exact("a sum"):
            self.connection.execute(statement)

    def stream(self, query: str, *parameters: Any) -> Iterator[pa.RecordBatch]:
        with exact("a sum"):
            yield from self.connection.execute(query, parameters).to_arrow_reader(BATCH)

    def part(self, table: Table, number: int, query: str, *parameters: Any) -> Part | None:
        """Stage the rows of a query, in order of the key, as a part."""
        keys = ", ".join(f'"{key}"' for key in table.key if key != table.partition)
        with exact(table.name):
            ordered = self.stream(f"select * from ({query}) order by {keys}", *parameters)
            return self.staging.write_batches(table, number, ordered)

    def write(self, table: Table, query: str, *parameters: Any, of: Table | None = None) -> None:
        """Stage the rows of a query as a table; when a staged table that it reads is empty, none."""
        empty = of is not None and not self.staging.rows(of)
        self.staging.commit(table, [None if empty else self.part(table, 0, query, *parameters)])


def in_money(*names: str) -> str:
    """Columns in ledger units as decimals, for a query that joins `currencies`."""
    return ", ".join(f"{name} * unit as {name}" for name in names)
