"""Errors a person can act on: one clear line, and the exit code of the command line."""

import errno
from typing import NamedTuple


class LossledgerError(Exception):
    """Base of all errors that end a command with one line on stderr; `exit_code` is the process's."""

    exit_code = 1


class InvariantError(LossledgerError):
    """Money or rows do not add up inside the program: a defect of it. Nothing of the date was published."""


class ConfigError(LossledgerError):
    """Wrong arguments, policy or warehouse: correct the call and run again."""

    exit_code = 2


class DataError(LossledgerError):
    """Wrong data or a failed check: nothing of the date was published."""

    exit_code = 3


class ConflictError(LossledgerError):
    """Another writer or a passing fault: run the same command again."""

    exit_code = 4


class Ending(NamedTuple):
    """How an error ends a command: the process's exit code, and the one line that is told and noted."""

    exit_code: int
    line: str


_LINE = 1000  # characters: more is no clear line
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
# Libraries that write for us leave the number out; the operating system's own words are what they pass on.
_NO_SPACE_TEXT = ("No space left on device", "Disk quota exceeded")


def ending(error: BaseException) -> Ending:
    """The exit code of outputs.md for any error: what the process ends with and what ops.runs notes."""
    code, text = _ending(error)
    return Ending(code, " ".join(text.split())[:_LINE])


def _ending(error: BaseException) -> tuple[int, str]:
    if isinstance(error, LossledgerError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        text = "interrupted; what was published before stays, run the same command again"
        return ConflictError.exit_code, text
    if is_out_of_space(error):
        where = getattr(error, "filename", None) or error
        return ConflictError.exit_code, no_space(str(where))
    if isinstance(error, PermissionError):
        text = f"no permission: {error.filename or error}; run as a user who may read and write there"
        return ConfigError.exit_code, text
    text = f"unexpected {type(error).__name__}: {error}; run again with --debug for the traceback"
    return LossledgerError.exit_code, text


def is_out_of_space(error: BaseException) -> bool:
    """Whether a full disk is behind it, in whichever library's error it is wrapped."""
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return True
    return any(text in str(error) for text in _NO_SPACE_TEXT)


def no_space(where: str) -> str:
    """The line on a full disk: `where` is the path or table that could not be written."""
    return f"no space left on the disk: {where}; make room and run the same command again"
