"""How a night grows: one market, and others in which one thing alone is larger.

python -m benchmarks.growth [--copies 7] [--folder DIR] [--only NAME] > growth.json

Rows, accounts, ticks, instruments and dates each have a market of their own, so that a slope belongs to one of
them. Counts are those of the landing files.
"""

import argparse
import csv
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.contenders import LOSSLEDGER, stages_of
from benchmarks.markets import JUMPS
from benchmarks.measure import measure

BASE = {"accounts": 20_000, "instruments": 20, "tick-seconds": 10, "trades-per-account-day": 40, "copies": 7}
# What is changed, and by what factor against the base.
LARGER: dict[str, dict[str, float]] = {
    "base": {},
    "fills": {"trades-per-account-day": 2},
    "accounts": {"copies": 2, "trades-per-account-day": 0.5},
    "ticks": {"tick-seconds": 0.1},
    "instruments": {"instruments": 2, "tick-seconds": 2},
}
DAYS = 4


def made(folder: Path, name: str, copies: int, accounts: int, days: int = 1) -> Path:
    """The market of that name, unless it is there."""
    landing = folder / name
    if not landing.exists():
        sizes = {**BASE, "copies": copies, "accounts": accounts}
        for option, factor in LARGER.get(name, {}).items():
            sizes[option] = round(sizes[option] * factor)
        options = [f"--{option}={value}" for option, value in sizes.items()]
        command = [LOSSLEDGER, "simulate", f"--landing={landing}.new", "--seed=1", f"--days={days}", *options]
        shutil.rmtree(f"{landing}.new", ignore_errors=True)
        subprocess.run([*command, *JUMPS, "--format", "parquet"], check=True, stdout=sys.stderr)
        landing.with_name(f"{name}.new").rename(landing)
    return landing


def counts(landing: Path) -> dict[str, int]:
    """Rows by dataset, accounts, instruments, bytes."""
    found = {}
    for dataset in ("fills", "transfers", "ticks"):
        files = (landing / dataset).rglob("*.parquet")
        found[dataset] = sum(pq.ParquetFile(path).metadata.num_rows for path in files)
    for dataset in ("accounts", "instruments"):
        with (landing / dataset / f"{dataset}.csv").open(encoding="utf-8", newline="") as file:
            found[dataset] = len({row[0] for row in csv.reader(file)}) - 1
    return found | {"landing_bytes": size(landing)}


def size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def night(landing: Path, folder: Path, last: str) -> dict[str, object]:
    """What one run over the dates takes, and what it leaves."""
    warehouse = folder / "warehouse"
    shutil.rmtree(warehouse, ignore_errors=True)
    command = [LOSSLEDGER, "run", "--engine=local", f"--landing={landing}", f"--warehouse={warehouse}"]
    took = measure([*command, "--from=2025-10-10", f"--to={last}"], folder / "log", 6 * 3600, 1e15)
    if took.outcome != "done":
        sys.exit(took.output)
    found = {
        "seconds": round(took.seconds, 2),
        "cpu_seconds": round(took.cpu_seconds, 2),
        "peak_bytes": took.peak_bytes,
        "warehouse_bytes": size(warehouse),
        "stages": stages_of(warehouse) if last == "2025-10-10" else {},
    }
    shutil.rmtree(warehouse)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--copies", type=int, default=7, help="of the clients (default 7: ten million rows)")
    parser.add_argument("--accounts", type=int, default=20_000, help="of one copy (default 20000)")
    parser.add_argument("--folder", type=Path, help="keeps the markets (default: a temporary one)")
    parser.add_argument("--only", choices=(*LARGER, "days"), help="one of the markets")
    args = parser.parse_args()
    measured = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = (args.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        for name in (*LARGER, "days"):
            if args.only in (None, name):
                days = DAYS if name == "days" else 1
                landing = made(folder, name, args.copies, args.accounts, days)
                took = night(landing, folder, f"2025-10-{9 + days}")
                measured.append({"market": name, "days": days, **counts(landing), **took})
                print(f"{name}: {took}", file=sys.stderr, flush=True)
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
