"""The command verify: whether the tables of a warehouse are those that were published."""

import argparse

from lossledger.cli.arguments import add_warehouse
from lossledger.jobs.terminal import tell

ABOUT = "Whether the tables are those that were published."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_warehouse(parser)


def run(args: argparse.Namespace) -> int:
    from lossledger.readers.table_verification import verify_lines

    for line in verify_lines(args.warehouse):
        tell(line)
    return 0
