"""Errors a person can act on: one clear line, and the exit code of the command line."""


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
