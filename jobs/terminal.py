"""What is told on stderr beside a command's output."""

import sys


def warn(text: str) -> None:
    """Something that a person should know and that stops nothing."""
    sys.stderr.write(f"warning: {text}\n")


def show_step(text: str) -> None:
    """What is being done right now, on one line that the next one overwrites; only on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<60}\r")
        sys.stderr.flush()
