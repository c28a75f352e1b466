"""Arguments that several commands share."""

import argparse
from datetime import date
from typing import TYPE_CHECKING

from lossledger.engine.errors import ConfigError

if TYPE_CHECKING:
    from lossledger.jobs.run import Request
    from lossledger.store.places import Place


def parse_date(text: str) -> date:
    from lossledger.jobs.load.landing_zone import FIRST_DAY, LAST_DAY

    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date YYYY-MM-DD") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date from {FIRST_DAY} to {LAST_DAY}")
    return day


def positive(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return int(text)


def parse_place(text: str) -> "Place":
    from lossledger.store.places import place

    try:
        return place(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_warehouse(parser: argparse.ArgumentParser, required: bool = True) -> None:
    parser.add_argument(
        "--warehouse",
        type=parse_place,
        required=required,
        metavar="DIR",
        help="where the tables are: a folder or s3://BUCKET/PREFIX",
    )


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Landing zone, warehouse, policy, scenario, and how the work is spread."""
    parser.add_argument(
        "--landing",
        type=parse_place,
        required=True,
        metavar="DIR",
        help="the landing zone, in a folder or a bucket too",
    )
    add_warehouse(parser)
    parser.add_argument("--policy", type=parse_place, metavar="FILE", help="instead of LANDING/policy.yaml")
    parser.add_argument(
        "--scenario", metavar="NAME", help="LANDING/scenarios/NAME.yaml, apart from what is published"
    )
    parser.add_argument(
        "--partitions",
        type=positive,
        metavar="N",
        help="tasks of a replay (default: one a core, or what Spark offers)",
    )
    parser.add_argument(
        "--engine",
        choices=("local", "spark"),
        help="local: processes of this machine; spark: the tasks of a Spark session, to the same rows "
        "(default: local, or spark where SPARK_MASTER names a cluster)",
    )


def add_range(parser: argparse.ArgumentParser) -> None:
    """The dates to work on, both included."""
    for name, which in (("from", "first"), ("to", "last")):
        parser.add_argument(
            f"--{name}", dest=which, type=parse_date, required=True, metavar="DATE", help=f"{which} date"
        )


def request_from(args: argparse.Namespace, first: date, last: date) -> "Request":
    from lossledger.jobs.run import Request
    from lossledger.jobs.spark.mapper import new_mapper

    mapper = new_mapper(args.engine, args.partitions)
    return Request(args.landing, args.warehouse, first, last, mapper, args.policy, args.scenario)
