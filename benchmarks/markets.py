"""Landing zones to measure on: made once, kept in a folder, told apart by their names."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

DAY = "2025-10-10"
ACCOUNTS = 20_000  # 1.6 M rows, and 1.45 M more for every further copy; less than a million rows has fewer
COPIES_PER_MILLION = 0.66
HOUSE = "house-mm"  # the other side of every trade: half of all fills
# A fund that pays everything, so that what sharing costs does not hide the slopes.
RICH = ["--fund-opening", "USDT=1000000000", "--fund-opening", "BTC=100000"]
JUMPS = ["--prices", "jumps", *RICH]
CRASH = ["--prices", "real", "--lateness-seconds", "60"]  # the night of 10 October, its fund soon empty


def copies(millions: float) -> int:
    return max(1, round(millions * COPIES_PER_MILLION))


def simulated(folder: Path, accounts: int, millions: float, name: str, options: list[str]) -> Path:
    """A market of `lossledger simulate`."""
    landing = folder / f"{name}-{accounts}x{copies(millions)}"

    def write(new: Path) -> None:
        size = (
            f"--accounts {accounts} --copies {copies(millions)} --days 1 --instruments 20 --tick-seconds 10"
        )
        busy = ["--trades-per-account-day", "40"]
        command = [
            sys.executable,
            "-m",
            "lossledger.cli.main",
            "simulate",
            "--landing",
            str(new),
            "--seed",
            "1",
        ]
        subprocess.run([*command, *size.split(), *busy, *options], check=True)

    return _made(landing, write)


def _made(landing: Path, write: Callable[[Path], None]) -> Path:
    """Written beside and renamed, so that what is there is whole."""
    if not landing.exists():
        new = landing.with_name(f"{landing.name}.new")
        shutil.rmtree(new, ignore_errors=True)
        write(new)
        new.rename(landing)
    return landing


def uniform(base: Path) -> Path:
    """The same trades, but the house's sides are spread over as many house accounts as there are clients."""

    def write(new: Path) -> None:
        shutil.copytree(base, new, copy_function=os.link)
        accounts = new / "accounts" / "accounts.csv"
        with accounts.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        [house] = [row for row in rows if row[0] == HOUSE]
        count = len(rows) - 3
        rows += [[_house(number), *house[1:]] for number in range(count)]
        accounts.unlink()  # a link to the other market's
        with accounts.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
        names = pa.array([_house(number) for number in range(count)])
        for path in sorted((new / "fills").rglob("*.parquet")):
            _rewrite(path, lambda table: _spread(table, names))

    return _made(base.with_name(f"uniform-{base.name}"), write)


def _house(number: int) -> str:
    return f"{HOUSE}-{number:07d}"


def _spread(fills: pa.Table, names: pa.Array) -> pa.Table:
    trade = pc.cast(pc.utf8_slice_codeunits(fills["trade_id"], 1, 12), pa.int64()).to_numpy()
    other = names.take(pa.array(trade * 7_919 % len(names)))
    account = pc.if_else(pc.equal(fills["account_id"], HOUSE), other, fills["account_id"])
    return fills.set_column(fills.schema.get_field_index("account_id"), "account_id", account)


def ticks_twice(base: Path) -> Path:
    """Every tick delivered a second time, 1 µs later, with the same mark, bid and ask.

    But for those after which something else happens at that very microsecond: a tick that follows it would look at
    the unit sooner than the market's own next tick, and by the rules that is another night.
    """

    def write(new: Path) -> None:
        shutil.copytree(base, new, copy_function=os.link)
        busy = np.unique(np.concatenate([_times(base, name) for name in ("fills", "transfers")]))
        for path in sorted((new / "ticks").rglob("*.parquet")):
            _rewrite(path, lambda table: twice(table, busy))

    return _made(base.with_name(f"twice-{base.name}"), write)


def _times(landing: Path, dataset: str) -> np.ndarray:
    files = sorted((landing / dataset).rglob("*.parquet"))
    return np.concatenate([np.unique(_micros(pq.ParquetFile(path).read(["ts"]))) for path in files])


def _micros(table: pa.Table) -> np.ndarray:
    stamps: np.ndarray = table["ts"].cast(pa.int64()).to_numpy()
    return stamps


def twice(ticks: pa.Table, busy: np.ndarray) -> pa.Table:
    """Ticks and their repetitions, but for repetitions at a busy microsecond."""
    repeated = ~np.isin(_micros(ticks) + 1, busy)
    rows = np.repeat(np.arange(ticks.num_rows), 1 + repeated)
    later = np.zeros(len(rows), np.int64)
    later[1:] = rows[1:] == rows[:-1]
    doubled = ticks.take(pa.array(rows))
    stamps = pa.array(_micros(doubled) + later).cast(ticks["ts"].type)
    return doubled.set_column(doubled.schema.get_field_index("ts"), "ts", stamps)


def _rewrite(path: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    table = change(pq.ParquetFile(path).read())
    path.unlink()  # a link to the other market's
    pq.write_table(table, path, compression="zstd", store_schema=False)


def with_execution(landing: Path, execution: str) -> Path:
    """The market's policy with another execution, in a file beside the market."""
    policy = landing.with_name(f"{landing.name}.{execution}.yaml")
    text = (landing / "policy.yaml").read_text(encoding="utf-8")
    policy.write_text(text.replace("execution: recorded", f"execution: {execution}"), encoding="utf-8")
    return policy


def rows_of(landing: Path) -> int:
    """Rows of the dated datasets in Parquet."""
    files = landing.glob(f"*/date={DAY}/*.parquet")
    return sum(pq.ParquetFile(path).metadata.num_rows for path in files)
