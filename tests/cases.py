"""The exact cases of tests/data/cases: running them, and comparing what is published with what is expected."""

import csv
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess, Mapper
from lossledger.jobs.stages import Check
from lossledger.schemas.attribution import TABLES
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import QUARANTINE
from lossledger.store.warehouse import Warehouse
from tests.oracle.compare import diff_tables
from tests.unchecked import unchecked

Row = Mapping[str, str]
DATA = Path(__file__).parent / "data" / "cases"
CASES = (
    "recorded_profit",
    "recorded_equity_8h",
    "recorded_none",
    "simulated",
    "simulated_latency",
    "bad_input",
    "edges",
    "edges_simulated",
    "takeover_recorded",
    "takeover_simulated",
    "backstop_steps",
    "edges_takeover",
    "edges_takeover_simulated",
)
FIRST = date(2025, 10, 9)
NOT_COMPARED = "why"  # explains a row of quarantine.csv
# An episode is identified by what it is about: its id is the implementation's own.
EPISODE = ("account_id", "currency", "isolation", "triggered_at", "ended_at")


def case_days(name: str) -> list[date]:
    """The dates that a case covers."""
    last = 11 if name.startswith(("edges", "takeover", "backstop")) else 10
    return [date(2025, 10, day) for day in range(9, last + 1)]


def run_case(
    name: str,
    warehouse: Path,
    mapper: Mapper | None = None,
    landing: Path | None = None,
    check: Check = unchecked,
) -> list[str]:
    """All dates of a case in one go; the lines that the run says."""
    days = case_days(name)
    where = landing or DATA / name / "landing"
    return list(run(Request(where, warehouse, days[0], days[-1], mapper or InProcess(2), check=check)))


def run_day_by_day(name: str, warehouse: Path, mapper: Mapper | None = None) -> None:
    """Every date as a run of its own, which knows nothing but what the warehouse holds."""
    for day in case_days(name):
        list(
            run(
                Request(DATA / name / "landing", warehouse, day, day, mapper or InProcess(2), check=unchecked)
            )
        )


def differences(name: str, warehouse: Path) -> dict[str, list[str]]:
    """Per table the rows that are missing (`-`) or not expected (`+`); empty when all is exact."""
    actual = published(warehouse)
    found = {table: diff_tables(expected(name, table), rows) for table, rows in actual.items()}
    tables = {path.stem for path in (DATA / name / "expected").glob("*.csv")}
    found |= {"tables": [f"table {table}" for table in sorted(tables - set(actual))]}
    return {table: lines for table, lines in found.items() if lines}


def expected(name: str, table: str) -> list[Row]:
    """The rows of a case's table in the columns that are compared; none when it has no file."""
    return built(table, _delivered(name, table))


def built(table: str, rows: Iterable[Row]) -> list[Row]:
    """Rows of a case or of the oracle in the columns that the product has and that are compared."""
    return [{c: value for c, value in row.items() if c != NOT_COMPARED} for row in rows]


def _delivered(name: str, table: str) -> list[Row]:
    path = DATA / name / "expected" / f"{table}.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def published(warehouse: Path) -> dict[str, list[Row]]:
    """Every compared table of a warehouse as text rows, by name."""
    opened = Warehouse(warehouse)
    tables = {table.name: text_rows(opened, table) for table in (*TABLES, QUARANTINE)}
    episodes = {row["episode_id"]: row for row in tables["liquidations"]}
    for name in ("loss_components", "liquidation_positions"):
        tables[name] = [
            {**row, **{column: episodes[row["episode_id"]][column] for column in EPISODE}}
            for row in tables[name]
        ]
    return tables


def text_rows(warehouse: Warehouse, table: Table) -> list[Row]:
    """All rows of a table as text, in one order: exact decimals, ISO times, '' for null."""
    rows = [{name: _text(value) for name, value in row.items()} for row in warehouse.read(table).to_pylist()]
    return sorted(rows, key=lambda row: tuple(row.values()))


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value)
