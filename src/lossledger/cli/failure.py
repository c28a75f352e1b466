"""How a command ends: one clear line on stderr and the exit code of outputs.md; a traceback only with --debug."""

import argparse
import atexit
import os
import select
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from lossledger.cli.extras import not_installed
from lossledger.engine.errors import ending
from lossledger.jobs.terminal import tell_error


def run_command(
    parser: argparse.ArgumentParser,
    command: Callable[[argparse.Namespace], int] | None,
    argv: Sequence[str] | None = None,
) -> int:
    """Parse and run. `command` None: the one that the parser set as `run`; `argv` None: the process is the command's.

    Such a process, where it has asked a store, ends here.
    """
    parser.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    args = parser.parse_args(argv)
    for value in vars(args).values():
        if isinstance(value, Path) and value.parts[:1] == ("s3:",):  # else it would be made, as a folder here
            parser.error(
                f"{value.parts[0]}//{'/'.join(value.parts[1:])}: this must be a folder of this machine"
            )
    code = _run(command or args.run, args)
    if argv is None and "lossledger.store.bucket" in sys.modules:
        leave(code)
    return code


def leave(code: int) -> NoReturn:
    """End the process without taking Python down.

    Arrow lets go of what it has read of a store in threads of its own, and one that does so while Python goes down
    aborts the process: code 134, after all was done (https://github.com/apache/arrow/issues/34314).
    """
    atexit._run_exitfuncs()
    with suppress(OSError, ValueError):  # nobody reads any more
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _run(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    try:
        return command(args)
    except BrokenPipeError as error:
        if _reader_has_gone():
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return _tell(args, error)
    except (KeyboardInterrupt, Exception) as error:  # every end of a command is one line and a code
        return _tell(args, error)


def _reader_has_gone() -> bool:
    """Whether it is our own output that nobody reads any more, and not a pipe to a worker that broke."""
    try:
        pipe = sys.stdout.fileno()
    except (OSError, ValueError):
        return False
    watch = select.poll()
    watch.register(pipe, 0)
    return any(event & select.POLLERR for _, event in watch.poll(0))


def _tell(args: argparse.Namespace, error: BaseException) -> int:
    if args.debug:
        traceback.print_exc()
    if isinstance(error, ModuleNotFoundError):
        error = not_installed(error) or error
    code, line = ending(error)
    tell_error(line)
    return code
