"""The report's commands: report, verify-report, sign-report."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lossledger.cli.arguments import add_range, add_warehouse
from lossledger.engine.errors import ConfigError
from lossledger.jobs.terminal import tell

AUDIENCES = ("regulator", "public")
ORIGINS = ("real", "generated")
ROLES = ("preparer", "reviewer", "approver")
Add = Callable[..., argparse.ArgumentParser]


def add_report_commands(commands: Any, add: Add) -> None:
    """`add`: makes a command of a name, a sentence and what runs it."""
    _add_report(commands, add)
    text = "Whether a report still holds, and who signed it; with its warehouse, every figure."
    parser = add(commands, "verify-report", text, _verify)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the report's folder")
    add_warehouse(parser, required=False)
    parser = add(commands, "sign-report", "Put a name to a report; void when anything in it changes.", _sign)
    parser.add_argument("folder", type=Path, metavar="DIR", help="the report's folder")
    parser.add_argument("--name", required=True, help="who signs")
    parser.add_argument("--role", choices=ROLES, default="preparer", help="as what (default: preparer)")


def _add_report(commands: Any, add: Add) -> None:
    parser = add(
        commands, "report", "The periodic report: PDF, HTML, spreadsheet, JSON and a manifest.", _report
    )
    add_warehouse(parser)
    add_range(parser)
    parser.add_argument("--audience", choices=AUDIENCES, required=True, help="public: totals only")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the files go")
    parser.add_argument("--venue", help="whom it is about; the tables do not say (default: LOSSLEDGER_VENUE)")
    parser.add_argument(
        "--data", choices=ORIGINS, help="whether the data are real or generated (default: LOSSLEDGER_DATA)"
    )
    parser.add_argument(
        "--allow-missing", action="store_true", help="tell dates that are not published as missing"
    )
    parser.add_argument("--replace", action="store_true", help="also where a signed report stands")
    parser.add_argument(
        "--previous",
        type=Path,
        metavar="DIR",
        help="the report before this one: tell what was restated since, with the figures that changed",
    )


def _report(args: argparse.Namespace) -> int:
    from lossledger.readers.report.manifest import read_previous
    from lossledger.readers.report.report_folder import report_lines
    from lossledger.readers.report.report_request import ReportRequest

    previous = read_previous(args.previous) if args.previous else None
    about = (*stated(args), args.allow_missing, previous)
    request = ReportRequest(args.warehouse, args.first, args.last, args.audience, *about)
    for line in report_lines(request, args.out, args.replace):
        tell(line)
    return 0


def stated(args: argparse.Namespace) -> tuple[str, str]:
    """Venue and data as given, else as the environment says; empty where neither does."""
    venue, data = (
        os.environ.get(f"LOSSLEDGER_{name.upper()}", "") if given is None else given
        for name, given in (("venue", args.venue), ("data", args.data))
    )
    if data not in ("", *ORIGINS):
        raise ConfigError(f"LOSSLEDGER_DATA is {data!r}: write {' or '.join(ORIGINS)}")
    return venue, data


def _verify(args: argparse.Namespace) -> int:
    from lossledger.readers.report.report_verification import verify_lines

    for line in verify_lines(args.folder, args.warehouse):
        tell(line)
    return 0


def _sign(args: argparse.Namespace) -> int:
    from lossledger.readers.report.report_signatures import sign_lines

    for line in sign_lines(args.folder, args.name, args.role):
        tell(line)
    return 0
