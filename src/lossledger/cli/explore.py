"""`lossledger explore`: the web page on this machine."""

import argparse

from lossledger.cli.arguments import add_warehouse
from lossledger.cli.extras import need
from lossledger.jobs.terminal import tell

ABOUT = "A web page on this machine: the fund, dates, events, accounts, rules, scenarios, restatements."
PORT = 8501


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_warehouse(parser)
    parser.add_argument(
        "--port", type=_port, default=PORT, metavar="N", help=f"on 127.0.0.1 (default: {PORT}; 0: any)"
    )


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Until Ctrl-C, which is its ordinary end."""
    need("explore")
    from lossledger.readers.explore.server import serve

    serve(args.warehouse, args.port, lambda address: tell(f"{address}  (Ctrl-C ends it)"))
    return 0
