"""`lossledger quarantine`: rejected rows with file, row and reasons, of failed dates too."""

import argparse
import sys

from lossledger.cli.arguments import add_warehouse, parse_date
from lossledger.jobs.terminal import printable

ABOUT = "Rejected rows with file, row number and reasons: of published dates, and of dates that failed."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_warehouse(parser)
    parser.add_argument(
        "--date",
        type=parse_date,
        metavar="DATE",
        help="of its folders; reference data: of the first date that was run with it",
    )
    parser.add_argument("--dataset", metavar="NAME", help="fills, transfers, accounts, …")
    parser.add_argument("--reason", metavar="TEXT", help="whose reasons have this text in them")
    parser.add_argument("--scenario", metavar="NAME", help="of a scenario that has been run")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table")


def run(args: argparse.Namespace) -> int:
    from lossledger.readers.rejected_rows import quarantine_lines

    for_people = args.format == "table" or sys.stdout.isatty()
    lines = quarantine_lines(args.warehouse, args.date, args.dataset, args.reason, args.format, args.scenario)
    for line in lines:
        sys.stdout.write(f"{printable(line) if for_people else line}\n")
    sys.stdout.flush()
    return 0
