"""How a command ends: one clear line on stderr and the exit code of outputs.md; a traceback only with --debug."""

import argparse
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from engine.errors import ConfigError, LossledgerError
from jobs.terminal import tell_error


def run_command(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int] | None,
    argv: Sequence[str] | None = None,
) -> int:
    """Parse and run. `command` None: the one that the parser set as `run`."""
    parser.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    args = parser.parse_args(argv)
    try:
        return (command or args.run)(args)
    except LossledgerError as error:
        _tell(args, str(error))
        return error.exit_code
    except KeyboardInterrupt:
        _tell(args, "interrupted; what was published before stays, run the same command again")
        return 4
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except PermissionError as error:
        _tell(args, f"no permission: {error.filename or error}; run as a user who may read and write there")
        return ConfigError.exit_code
    except Exception as error:  # the last resort: every end of a command is one line and a code
        _tell(args, f"unexpected {type(error).__name__}: {error}; run again with --debug for the traceback")
        return 1


def _tell(args: argparse.Namespace, message: str) -> None:
    if args.debug:
        traceback.print_exc()
    tell_error(message)
