"""Published rows of some dates as Python values, for reports, footnotes and the demonstration."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from lossledger.engine.errors import ConfigError
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas import attribution, ops
from lossledger.schemas.core import Table
from lossledger.schemas.registry import TABLES
from lossledger.store.arrow import to_rows

Row = Mapping[str, Any]  # decimals are integers of 10^-18, times microseconds


class PublishedRows:
    """Rows of every date at its published table versions (ops.published_days).

    ConfigError: no date is given, or one is not published.
    """

    def __init__(self, tables: PublishedTables, days: Iterable[date]) -> None:
        wanted = sorted(set(days))
        if not wanted:
            raise ConfigError(f"no date given for {tables.warehouse.root}")
        self.tables = tables
        self.days = [tables.published(day) for day in wanted]
        self._rows: dict[str, list[Row]] = {}

    def rows(self, table: Table) -> list[Row]:
        """All rows of the dates, by date and then by the table's key."""
        name = table.full_name
        if name not in self._rows:
            self._rows[name] = read_rows(self.tables, table, [day.day for day in self.days])
        return self._rows[name]

    def reference(self, name: str) -> list[Row]:
        """A reference table of the ledger with its history, at the last published date's version."""
        return read_rows(self.tables, TABLES[f"ledger.{name}"])

    def of_run(self, table: Table) -> list[Row]:
        """Rows of operations of the runs that published the dates."""
        runs = {(day.day, day.run_id) for day in self.days}
        return [row for row in self.rows(table) if (row["business_date"], row["run_id"]) in runs]

    def runs(self) -> dict[date, Row]:
        """The row of ops.runs that published each date, if recorded."""
        return {row["business_date"]: row for row in self.of_run(ops.RUNS) if row["outcome"] == "published"}

    def scales(self) -> Mapping[str, int]:
        """Decimals of a ledger unit, by currency."""
        return self.tables.scales

    def currencies(self) -> list[str]:
        """Currencies with events, the busiest first; all currencies if there were no events."""
        busy: defaultdict[str, int] = defaultdict(int)
        for table in (attribution.LIQUIDATIONS, attribution.NEGATIVE_BALANCES):
            for row in self.rows(table):
                busy[row["currency"]] += 1
        for row in self.rows(attribution.INSURANCE_FUND_DAILY):
            if any(row[name] for name in ("opening", "external", "liquidation_fees", "surplus", "draws")):
                busy[row["currency"]] += 0
        for row in self.rows(attribution.ADL_LOSSES):
            busy[row["currency"]] += 0
        return sorted(busy or self.scales(), key=lambda currency: (-busy[currency], currency))


def read_rows(
    tables: PublishedTables, table: Table, days: Sequence[date] | None = None, condition: Any = None
) -> list[Row]:
    """Published rows of some dates, or all, that satisfy an Arrow expression, in order of the table's key."""
    names = [column.name for column in table.columns]
    data = tables.rows(table.full_name, days, where=condition)
    rows = [dict(zip(names, row, strict=True)) for row in to_rows(table, data)]
    return sorted(rows, key=lambda row: tuple((row[k] is not None, row[k]) for k in table.key))


def sum_column(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] for row in rows)


def session_profit(row: Row) -> int:
    """Session profit of a row of account_daily, in 10^-18: realised and unrealised gain less fees (outputs.md)."""
    gain: int = row["realised_pnl"] - row["fees"] + row["funding"]
    return gain + int(row["unrealised_pnl"] - row["opening_unrealised_pnl"])


def rows_where(rows: Iterable[Row], **equal: Any) -> list[Row]:
    """The rows whose columns have these values."""
    return [row for row in rows if all(row[name] == value for name, value in equal.items())]


def largest_rows(rows: Iterable[Row], column: str, count: int, *then: str) -> list[Row]:
    """The `count` rows with the largest values of a column, ties ordered by the columns `then`."""
    return sorted(rows, key=lambda row: (-row[column], *(row[name] for name in then)))[:count]


def count_accounts(rows: Iterable[Row]) -> int:
    """Number of distinct accounts."""
    return len({row["account_id"] for row in rows})
