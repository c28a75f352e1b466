"""A small landing zone to spoil: two dates, three accounts, one contract, one liquidation."""

import gzip
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.attribution import TABLES
from lossledger.schemas.ops import PUBLISHED_DAYS
from lossledger.store.warehouse import Warehouse
from tests.spec.tables import Cells, parse
from tests.unchecked import unchecked

D9, D10, D11 = date(2025, 10, 9), date(2025, 10, 10), date(2025, 10, 11)
# A tick or two a date, and two days without one before that is worth a warning.
POLICY = "- valid_from: 2020-01-01\n  quarantine_max_share: '0.5'\n  max_mark_gap_us: 172800000000\n"
REFERENCE = {
    "currencies": """
        currency | scale
        USD      | 2
        BTC      | 8
    """,
    "instruments": """
        instrument_id|kind|base_currency|quote_currency|settlement_currency|multiplier|tick_size|lot_size|valid_from
        P            |linear |BTC       |USD           |USD                |1         |0.5      |0.1     |2020-01-01
        I            |inverse|BTC       |USD           |BTC                |1         |0.5      |1       |2020-01-01
    """,
    "margin_tiers": """
        instrument_id | valid_from | notional_floor | maintenance_rate
        P             | 2020-01-01 | 0              | 0.005
        P             | 2020-01-01 | 100000         | 0.01
    """,
    "accounts": """
        account_id | account_type | client_class | negative_balance_protected | valid_from
        a          | client       | retail       | true                       | 2020-01-01
        b          | client       | professional | true                       | 2020-01-01
        new        | client       | retail       | true                       | 2025-10-10T12:00:00Z
    """,
}
EVENTS = {
    ("transfers", D9): """
        transfer_id | ts                   | account_id | currency | isolation | amount | kind
        t1          | 2025-10-09T08:00:00Z | a          | USD      |           | 100    | deposit
        t2          | 2025-10-09T08:00:00Z | b          | USD      |           | 1000   | deposit
    """,
    ("fills", D9): """
        fill_id|trade_id|ts|account_id|instrument_id|side|price|quantity|fee|kind
        f1|x1|2025-10-09T09:00:00Z|a|P|buy|1000|1|0|normal
        f2|x1|2025-10-09T09:00:00Z|b|P|sell|1000|1|0|normal
    """,
    ("ticks", D9): """
        ts                   | instrument_id | mark_price
        2025-10-09T10:00:00Z | P             | 1000
    """,
    ("ticks", D10): """
        ts                   | instrument_id | mark_price
        2025-10-10T10:00:00Z | P             | 900
        2025-10-10T11:00:00Z | P             | 890
    """,
    ("fills", D10): """
        fill_id|trade_id|ts|account_id|instrument_id|side|price|quantity|fee|kind
        f3|x2|2025-10-10T10:01:00Z|a|P|sell|880|1|0|liquidation
        f4|x2|2025-10-10T10:01:00Z|b|P|buy|880|1|0|normal
    """,
}


def small_landing(landing: Path) -> Path:
    """Account a falls 20 below zero on the second date, and b, who gained 120, is charged for it."""
    for name, text in REFERENCE.items():
        deliver(landing, name, text)
    for (name, day), text in EVENTS.items():
        deliver(landing, name, text, day)
    (landing / "policy.yaml").write_text(POLICY)
    return landing


def deliver(landing: Path, dataset: str, text: str, day: date | None = None, name: str = "data.csv") -> Path:
    """Write a text table as a delivered file: CSV or JSON lines, gzipped or not, by its name."""
    rows = parse(text)
    folder = landing / dataset / f"date={day}" if day else landing / dataset
    folder.mkdir(parents=True, exist_ok=True)
    lines = _json(rows) if ".json" in name else _csv(rows)
    data = "".join(f"{line}\n" for line in lines).encode()
    (folder / name).write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
    return folder / name


def add_rows(landing: Path, dataset: str, text: str, day: date | None = None) -> None:
    """Append data lines, in the columns of the file that is there."""
    folder = landing / dataset / f"date={day}" if day else landing / dataset
    with (folder / "data.csv").open("a") as file:
        file.writelines(f"{','.join(cell.strip() for cell in line.split('|'))}\n" for line in _lines(text))


def run_dates(landing: Path, warehouse: Path, first: date, last: date | None = None) -> list[str]:
    """Run without Spark; the lines it says."""
    return list(run(Request(landing, warehouse, first, last or first, InProcess(2), check=unchecked)))


def published_rows(warehouse: Path) -> int:
    """How many rows readers could see: of the published tables and of ops.published_days."""
    if not (warehouse / "lossledger.json").exists():
        return 0
    opened = Warehouse(warehouse)
    return sum(int(opened.read(table).num_rows) for table in (*TABLES, PUBLISHED_DAYS))


def _lines(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.strip())


def _csv(rows: list[Cells]) -> list[str]:
    return [",".join(rows[0]), *(",".join(row.values()) for row in rows)]


def _json(rows: list[Cells]) -> list[str]:
    return [json.dumps({name: value for name, value in row.items() if value}) for row in rows]
