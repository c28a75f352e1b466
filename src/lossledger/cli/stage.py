"""One stage of one date in a process of its own: what the nightly DAG calls.

python -m lossledger.cli.stage STAGE --landing DIR --warehouse DIR --business-date DATE [--to DATE]
    [--asked-by RUN] [--policy FILE] [--partitions N]
"""

import argparse
import sys
from collections.abc import Sequence

from lossledger.cli.arguments import add_run_arguments, parse_date, request_from
from lossledger.cli.extras import need
from lossledger.cli.failure import run_command
from lossledger.jobs.record import new_run_id, recorded
from lossledger.jobs.run import day_line, prepared
from lossledger.jobs.stages import NAMES, Stages
from lossledger.jobs.terminal import tell


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m lossledger.cli.stage", description="One stage of one date."
    )
    parser.add_argument("stage", choices=NAMES)
    parser.add_argument("--business-date", type=parse_date, required=True, help="the session's date")
    parser.add_argument(
        "--to", type=parse_date, metavar="DATE", help="the last date of the range (default: this date)"
    )
    parser.add_argument(
        "--asked-by",
        default="",
        metavar="RUN",
        help="the scheduler's run, which goes on with its own load only",
    )
    add_run_arguments(parser)
    return parser


def run_stage(args: argparse.Namespace) -> int:
    """Run the stage; its result is on disk for the next one."""
    need("night")
    date = args.business_date
    request = request_from(args, date, date if args.to is None else args.to)
    with prepared(request) as setting:
        day = setting.day(request, date)
        # a night is one run: load begins it, the stages after it go on under its id
        loaded = {} if args.stage == "load" else day.staging.read_note("load")
        stages = Stages(
            day, loaded.get("run_id") or new_run_id(), request.last, None, request.check, args.asked_by
        )
        with recorded(stages):
            stages.run(args.stage)
    if args.stage == "publish":
        tell(day_line(stages))
    else:
        tell(f"{date}  {args.stage}  {'unchanged' if stages.unchanged else 'done'}")
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    return run_command(_parser(), run_stage, argv)


if __name__ == "__main__":
    sys.exit(main())
