"""`lossledger query`: its arguments, and where its rows go."""

import argparse
import sys
from pathlib import Path

from lossledger.cli.arguments import add_warehouse
from lossledger.jobs.terminal import printable

ABOUT = "SQL over published dates, exact and read-only; without SQL, the tables and columns that there are."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_warehouse(parser)
    parser.add_argument("sql", nargs="?", metavar="SQL", help="one SELECT statement of DuckDB")
    parser.add_argument(
        "--as-of", metavar="TIME|RUN", help="what was published then: YYYY-MM-DDTHH:MM:SSZ, or a run's id"
    )
    parser.add_argument("--scenario", metavar="NAME", help="the tables of a scenario that has been run")
    parser.add_argument("--format", choices=("table", "csv", "json", "parquet"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write there; parquet goes nowhere else")


def run(args: argparse.Namespace) -> int:
    from lossledger.readers.query.sql_query import query_lines

    out = args.out
    if out is None and args.format == "parquet" and not sys.stdout.isatty():
        out = sys.stdout.buffer
    lines = query_lines(args.warehouse, args.sql, args.format, args.as_of, args.scenario, out)
    for_people = args.format == "table" or args.sql is None or sys.stdout.isatty()
    if args.out is not None and args.format != "parquet":
        from lossledger.store.creation import whole

        with whole(args.out) as writing, writing.open("w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return 0
    for line in lines:
        sys.stdout.write(f"{printable(line) if for_people else line}\n")
    sys.stdout.flush()
    return 0
