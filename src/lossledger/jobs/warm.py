"""Compile what a run calls into its caches, so that no run waits for it: `lossledger compile`.

`make setup` and the image call it as `python -m lossledger.jobs.warm`. The kernel's annotations say what it is compiled
for (`kernel/warm.py`); the loops of the load are compiled for the types that files bring, so a small market is loaded
from files of every kind.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

import lossledger.jobs.attribute.trades as trades
import lossledger.jobs.load.columns.splits as splits
import lossledger.kernel.warm
from lossledger.jobs.day import Day
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.kernel.code_cache import keep_only_current

Row = Mapping[str, str | None]
FIRST = date(2025, 1, 1)
REFERENCE: Mapping[str, Row] = {
    "currencies": {"currency": "USD", "scale": "2"},
    "accounts": {
        "account_id": "a", "account_type": "client", "client_class": "retail",
        "negative_balance_protected": "true", "valid_from": "2020-01-01",
    },
    "instruments": {
        "instrument_id": "P", "kind": "linear", "base_currency": "BTC", "quote_currency": "USD",
        "settlement_currency": "USD", "multiplier": "1", "tick_size": "1", "lot_size": "1", "valid_from": "2020-01-01",
    },
    "margin_tiers": {
        "instrument_id": "P", "valid_from": "2020-01-01", "notional_floor": "0", "maintenance_rate": "0.01",
    },
}  # fmt: skip
TICK: Row = {"ts": "", "instrument_id": "P", "mark_price": "100", "index_price": None}
TRANSFER: Row = {
    "transfer_id": "t", "ts": "", "account_id": "a", "currency": "USD", "isolation": None, "amount": "1000",
    "kind": "deposit",
}  # fmt: skip
FILL: Row = {
    "fill_id": "f", "trade_id": "x", "ts": "", "account_id": "a", "instrument_id": "P", "isolated": "false",
    "side": "buy", "price": "100", "quantity": "1", "fee": "0", "kind": "normal",
}  # fmt: skip
NOT_GOOD: Row = {**FILL, "fill_id": "g", "price": "-1"}  # so that some rows of a batch are chosen
EVENTS: Mapping[str, Sequence[Row]] = {"ticks": [TICK], "transfers": [TRANSFER], "fills": [FILL, NOT_GOOD]}


def _csv(rows: Sequence[Row], path: Path) -> None:
    pyarrow.csv.write_csv(pa.Table.from_pylist(rows), path.with_suffix(".csv"))


def _parquet(rows: Sequence[Row], path: Path) -> None:
    """Every column as text."""
    names = list(rows[0])
    columns = [pa.array([row[name] for row in rows], pa.string()) for name in names]
    pq.write_table(pa.table(columns, names=names), path.with_suffix(".parquet"))


def _typed_parquet(rows: Sequence[Row], path: Path) -> None:
    """Columns of times, decimals and booleans as such."""
    types = {"ts": pa.timestamp("us", tz="UTC"), "isolated": pa.bool_()}
    types |= dict.fromkeys(("price", "mark_price", "quantity", "amount", "fee"), pa.decimal128(38, 18))
    names = list(rows[0])
    columns = [
        pa.array([row[name] for row in rows], pa.string()).cast(types.get(name, pa.large_string()))
        for name in names
    ]
    pq.write_table(pa.table(columns, names=names), path.with_suffix(".parquet"))


KINDS: tuple[Callable[[Sequence[Row], Path], None], ...] = (_csv, _parquet, _typed_parquet)


def write_market(landing: Path) -> date:
    """A date for each kind of file; returns the last."""
    for name, row in REFERENCE.items():
        (landing / name).mkdir(parents=True)
        _csv([row], landing / name / "data")
    for number, write in enumerate(KINDS):
        day = FIRST + timedelta(days=number)
        for name, rows in EVENTS.items():
            folder = landing / name / f"date={day}"
            folder.mkdir(parents=True)
            write([_on(day, row) for row in rows], folder / "data")
    (landing / "policy.yaml").write_text("- valid_from: 2020-01-01\n  quarantine_max_share: '0.9'\n")
    return day


def _on(day: date, row: Row) -> Row:
    """The row with a time and an id of its date."""
    ids = {name: f"{value}-{day}" for name, value in row.items() if name in ("fill_id", "transfer_id")}
    return {**row, **ids, "ts": f"{day}T12:00:00Z"}


def _unchecked(day: Day, run_id: str) -> None:
    """Nothing to check: nobody sees these tables."""


def main() -> int:
    """Compile what is not compiled yet."""
    lossledger.kernel.warm.main()
    # what is done for many rows is done for a few
    vars(trades)["NET_IN_TASKS_FROM_ROWS"] = 0
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(StringIO()):  # it warns of what is not good
        landing, warehouse = Path(folder) / "landing", Path(folder) / "warehouse"
        last = write_market(landing)
        list(run(Request(landing, warehouse, FIRST, last, InProcess(1), check=_unchecked)))
    keep_only_current(Path(splits.__file__).parent)
    return 0


if __name__ == "__main__":
    sys.exit(main())
