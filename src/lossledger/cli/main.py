"""The command line. Each command imports what it needs when it is called: those without Spark are quick."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from lossledger.cli.arguments import (
    add_range,
    add_run_arguments,
    add_warehouse,
    parse_place,
    positive,
    request_from,
)
from lossledger.cli.extras import need
from lossledger.cli.failure import run_command
from lossledger.cli.report import add_report_commands
from lossledger.jobs.terminal import tell, warn


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="lossledger",
        description="Who paid when an account fell below zero: exact, reproducible, published day by day.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_run,
        _add_status,
        _add_quarantine,
        _add_query,
        _add_explain,
        _add_explore,
        _add_adapt,
        _add_simulate,
        _add_compare,
        _add_fund_size,
        _add_maintain,
        _add_check_store,
        _add_verify,
        _add_demo,
        _add_compile,
    ):
        add(commands)
    add_report_commands(commands, _add)
    return run_command(parser, None, argv)


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    run: Callable[[argparse.Namespace], int],
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(run=run)
    # also after the command; what is not given there leaves what was given before it
    parser.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks")
    return parser


def _add_run(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(commands, "run", "Load, recompute, attribute, check and publish each date in order.", _run)
    add_run_arguments(parser)
    add_range(parser)


def _run(args: argparse.Namespace) -> int:
    need("night")
    from lossledger.jobs.run import run

    _note_compiling()
    request = request_from(args, args.first, args.last)
    tell(f"engine      {request.mapper.description}")
    for line in run(request):
        tell(line)
    return 0


def _add_status(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        commands, "status", "Published days, last runs, what failed and what to type next.", _status
    )
    add_warehouse(parser)


def _status(args: argparse.Namespace) -> int:
    from lossledger.readers.status import status_lines

    for line in status_lines(args.warehouse):
        tell(line)
    return 0


def _add_quarantine(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.cli import quarantine

    quarantine.add_arguments(_add(commands, "quarantine", quarantine.ABOUT, quarantine.run))


def _add_query(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.cli import query

    query.add_arguments(_add(commands, "query", query.ABOUT, query.run))


def _add_adapt(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.adapters.registry import VENUES

    parser = _add(commands, "adapt", "A venue's files into a landing zone.", _adapt)
    parser.add_argument("venue", choices=sorted(VENUES), help="whose files")
    parser.add_argument("--source", type=Path, required=True, metavar="DIR", help="the venue's files")
    parser.add_argument("--landing", type=Path, required=True, metavar="DIR", help="where to write")


def _adapt(args: argparse.Namespace) -> int:
    from lossledger.adapters.registry import VENUES

    for line in VENUES[args.venue](args.source, args.landing).lines():
        tell(line)
    return 0


def _add_simulate(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.simulator import command

    parser = _add(commands, "simulate", "A generated market into a landing zone.", command.run)
    command.add_arguments(parser)


def _add_compare(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(commands, "compare", "What differs between published tables and scenarios.", _compare)
    add_warehouse(parser)
    for side in ("left", "right"):
        parser.add_argument(f"--{side}", required=True, metavar="NAME", help="published, or a scenario")


def _compare(args: argparse.Namespace) -> int:
    from lossledger.readers.compare.compare import compare_lines

    for line in compare_lines(args.warehouse, args.left, args.right):
        tell(line)
    return 0


def _add_explain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.cli.explain import add_arguments, run

    text = "From a published number back to source rows, recomputed and compared."
    add_arguments(_add(commands, "explain", text, run))


def _add_explore(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.cli import explore

    explore.add_arguments(_add(commands, "explore", explore.ABOUT, explore.run))


def _add_fund_size(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(
        commands,
        "fund-size",
        "The smallest opening balance of the fund with which no shortfall would have occurred, and its proof.",
        _fund_size,
    )
    add_run_arguments(parser)
    add_range(parser)


def _fund_size(args: argparse.Namespace) -> int:
    need("night")
    from lossledger.jobs.fund_size import fund_size_lines

    for line in fund_size_lines(request_from(args, args.first, args.last)):
        tell(line)
    return 0


def _add_maintain(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Make small files few and remove what no published version, restated ones included, needs."
    parser = _add(commands, "maintain", text, _maintain)
    add_warehouse(parser)
    parser.add_argument(
        "--older-than", type=positive, default=7, metavar="DAYS", help="keep what is younger (default: 7)"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _maintain(args: argparse.Namespace) -> int:
    from lossledger.jobs.maintain import maintain_lines

    for line in maintain_lines(args.warehouse, args.older_than, args.dry_run):
        tell(line)
    return 0


def _add_check_store(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Whether an object store may hold a warehouse: two writers race there. Nothing is left of it."
    parser = _add(commands, "check-store", text, _check_store)
    parser.add_argument(
        "store", type=parse_place, metavar="s3://BUCKET/PREFIX", help="where the race is held"
    )
    parser.add_argument(
        "--rounds", type=positive, default=40, metavar="N", help="how often the two race (default: 40)"
    )


def _check_store(args: argparse.Namespace) -> int:
    from lossledger.store.trial import trial_lines

    for line in trial_lines(args.store, args.rounds):
        tell(line)
    return 0


def _add_verify(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from lossledger.cli import verify

    verify.add_arguments(_add(commands, "verify", verify.ABOUT, verify.run))


def _add_demo(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = _add(commands, "demo", "A generated crash day from raw files to published tables.", _demo)
    parser.add_argument(
        "--folder", type=Path, default=Path("demo"), metavar="DIR", help="where (default: ./demo)"
    )


def _demo(args: argparse.Namespace) -> int:
    need("night")
    need("report")
    from lossledger.cli.demo import demo_lines

    _note_compiling()

    for line in demo_lines(args.folder):
        tell(line)
    return 0


def _note_compiling() -> None:
    """Warn that the run compiles first."""
    from lossledger.jobs.compiled import NOTE, is_compiled

    if not is_compiled():
        warn(NOTE)


def _add_compile(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "Compile the loops of load and replay once, in about a minute, so that no run waits for it."
    _add(commands, "compile", text, _compile)


def _compile(args: argparse.Namespace) -> int:
    need("night")
    from lossledger.jobs.compiled import is_compiled
    from lossledger.jobs.warm import main as compile_all

    if not is_compiled():
        tell("compiling, about a minute")
        compile_all()
    tell("compiled: no run waits for it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
