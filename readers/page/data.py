"""What a page is made of: published rows of some dates, each date as it was published, and nothing else."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from engine.errors import ConfigError
from schemas import attribution, ledger
from schemas.core import Table
from store.arrow import to_rows
from store.published import published_days
from store.warehouse import Warehouse

Row = Mapping[str, Any]  # decimals are integers of 10^-18, times microseconds
REFERENCE = ("accounts", "currencies", "instruments", "margin_tiers")


class PublishedRows:
    """Reads every date at the table versions that it was published with (ops.published_days).

    ConfigError: no date is asked for, or one that is not published, or dates with a gap between them.
    """

    def __init__(self, warehouse: Warehouse, days: Iterable[date]) -> None:
        known = published_days(warehouse)
        wanted = sorted(set(days))
        missing = [day for day in wanted if day not in known]
        if missing or not wanted:
            have = f"{min(known)} to {max(known)}" if known else "none"
            what = f"{missing[0]} is not published" if missing else "no date given"
            raise ConfigError(f"{what} in {warehouse.root}: published dates are {have}")
        if (wanted[-1] - wanted[0]).days + 1 != len(wanted):
            raise ConfigError(
                f"dates with a gap between {wanted[0]} and {wanted[-1]}: give all dates of a range"
            )
        self.warehouse = warehouse
        self.days = [known[day] for day in wanted]
        self._rows: dict[str, list[Row]] = {}

    def rows(self, table: Table) -> list[Row]:
        """All rows of the dates, by date and then by the table's key."""
        if table.full_name not in self._rows:
            found = []
            for day in self.days:
                version = day.table_versions[table.full_name]
                data = self.warehouse.read(table, day.day, version=version)
                found += _rows(table, data)
            found.sort(key=lambda row: tuple((row[k] is not None, row[k]) for k in table.key))
            self._rows[table.full_name] = found
        return self._rows[table.full_name]

    def reference(self, name: str) -> list[Row]:
        """A reference table of the ledger as it is now (`reference_versions`): it keeps all its history."""
        table = ledger.TYPED[name]
        return _rows(table, self.warehouse.read(table))

    def reference_versions(self) -> dict[str, int]:
        return {f"ledger.{name}": self.warehouse.version(ledger.TYPED[name]) for name in REFERENCE}

    def scales(self) -> dict[str, int]:
        """Decimals of a ledger unit, by currency."""
        return {row["currency"]: row["scale"] for row in self.reference("currencies")}

    def currencies(self) -> list[str]:
        """Those in which anything happened, the busiest first; all of them when nothing did."""
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


def _rows(table: Table, data: Any) -> list[Row]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in to_rows(table, data)]


def total(rows: Iterable[Row], column: str) -> int:
    return sum(row[column] for row in rows)


def of(rows: Iterable[Row], **equal: Any) -> list[Row]:
    """The rows whose columns have these values."""
    return [row for row in rows if all(row[name] == value for name, value in equal.items())]


def largest(rows: Iterable[Row], column: str, count: int, *then: str) -> list[Row]:
    """The largest by a column, ties in the order of the others."""
    return sorted(rows, key=lambda row: (-row[column], *(row[name] for name in then)))[:count]
