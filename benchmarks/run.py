"""A night beside its floor and beside what a user would write instead, on the same landing files, in one run.

python -m benchmarks.run [--sizes 1,10,30,100] [--write docs/benchmarks.md]

Rounds are interleaved (A B A B …). Before the first one that is timed, every contender of the smallest size has
run once and said the same as the others; a later round that differs ends the run.
"""

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks import markets, tables
from benchmarks.contenders import CONTENDERS, MARKET
from benchmarks.equal import DifferentOutput
from benchmarks.markets import ACCOUNTS
from benchmarks.rounds import Bench, Row, say
from benchmarks.shapes import SHAPES, entries


def rounds_of(millions: float) -> int:
    """Five of the small sizes; the other shapes have three of them."""
    return 5 if millions <= 1 else 3 if millions <= 10 else 1


def run(args: argparse.Namespace, folder: Path) -> list[Row]:
    found: list[Row] = []
    for at, millions in enumerate(sorted(args.sizes)):
        say(f"{millions:g} million rows: making the markets")
        accounts = round(args.accounts * min(1, millions))
        shapes = [name for name in args.shapes if name == MARKET or millions <= args.shapes_up_to]
        make = partial(markets.simulated, folder, accounts, millions)
        measured = [entry for entry in entries(make, shapes) if entry.name in args.contenders]
        bench = Bench(measured, folder / "outputs", args.limit_seconds, args.limit_gib * 2**30)
        if at == 0:
            bench.round(0, timed=False)
        for number in range(1, (args.rounds or rounds_of(millions)) + 1):
            bench.round(number, timed=True)
        found += bench.rows.values()
        results = folder / "results.json"
        results.write_text(json.dumps([dataclasses.asdict(row) for row in found], indent=1))
    return found


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=[0.3],
        help="about so many millions of rows, such as 1,10,30,100 (default 0.3)",
    )
    parser.add_argument("--accounts", type=int, default=ACCOUNTS, help=f"of one copy (default {ACCOUNTS})")
    parser.add_argument("--rounds", type=int, help="instead of 5 up to 1 million rows, 3 up to 10, else 1")
    parser.add_argument(
        "--shapes-up-to", type=float, default=10, metavar="MILLIONS", help="largest size with other shapes"
    )
    every = (MARKET, *SHAPES)
    parser.add_argument("--shapes", nargs="+", choices=every, default=every, help="these alone (default all)")
    parser.add_argument(
        "--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS, help="these alone (default all)"
    )
    parser.add_argument("--folder", type=Path, help="keeps markets and results (default: a temporary one)")
    parser.add_argument("--limit-seconds", type=float, default=3600, help="of one contender")
    parser.add_argument("--limit-gib", type=float, default=0.9 * memory, help="of all its processes together")
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="replaces the marked section, and the chart beside it"
    )
    return parser


def _sizes(text: str) -> list[float]:
    return [float(size) for size in text.split(",")]


def main() -> None:
    args = arguments().parse_args()
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with tempfile.TemporaryDirectory() as name:
        folder = args.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = [dataclasses.asdict(row) for row in run(args, folder.resolve())]
        except DifferentOutput as error:
            sys.exit(f"not equal, so nothing is told about time: {error}")
        section = tables.section(found, " ".join(["python -m benchmarks.run", *sys.argv[1:]]))
        say(section)
        if args.write:
            tables.write(args.write, section, found)


if __name__ == "__main__":
    main()
