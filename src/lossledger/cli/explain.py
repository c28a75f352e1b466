"""`lossledger explain`: an account's session or an event, from published numbers back to source rows."""

import argparse
from collections.abc import Iterable
from typing import TYPE_CHECKING

from lossledger.cli.arguments import add_warehouse, parse_date
from lossledger.engine.errors import ConfigError, DataError
from lossledger.jobs.terminal import tell

if TYPE_CHECKING:
    from lossledger.readers.document.model import Document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_warehouse(parser)
    parser.add_argument("--account", metavar="ID", help="an account, with --date")
    parser.add_argument("--date", type=parse_date, metavar="DATE", help="the session's date")
    parser.add_argument(
        "--event", metavar="ID", help="an episode_id or event_id, instead of --account and --date"
    )
    parser.add_argument("--as-of", metavar="TIME|RUN", help="what was published then, or by that run")
    parser.add_argument(
        "--scenario", metavar="NAME", help="a scenario's tables instead of the published ones"
    )
    parser.add_argument("--format", choices=("text", "html", "json"), default="text")


def run(args: argparse.Namespace) -> int:
    """Tell it; 3 when a published figure differs from the recomputed one."""
    from lossledger.readers.explain.account_session import PublishedDates
    from lossledger.readers.explain.explanation import explain_account, explain_event

    of_account = args.account is not None and args.date is not None
    if of_account == (args.event is not None) or (args.event and (args.account or args.date)):
        raise ConfigError("explain: give either --account and --date, or --event")
    dates = PublishedDates.open(args.warehouse, args.as_of, args.scenario)
    if of_account:
        explanation = explain_account(dates, args.account, args.date)
    else:
        explanation = explain_event(dates, args.event)
    for line in _lines(explanation, args.format):
        tell(line)
    if explanation.differing:
        first = explanation.differing[0].citation
        raise DataError(
            f"{len(explanation.differing)} published rows differ from what the reference finds, the first in "
            f"{first.table}, {first.key}"
        )
    return 0


def _lines(explanation: "Document", form: str) -> Iterable[str]:
    if form == "html":
        from lossledger.readers.document.as_html import to_html

        return to_html(explanation).splitlines()
    if form == "json":
        from lossledger.readers.document.as_json import to_json

        return to_json(explanation, ascii_only=True).splitlines()
    from lossledger.readers.document.as_text import text_lines

    return text_lines(explanation)
