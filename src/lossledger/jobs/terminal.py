"""What is told to a person: nothing that was delivered reaches the terminal as a command to it."""

import sys


def printable(text: str) -> str:
    """The text with every character that does not print as itself escaped: \\x1b, \\n, \\u202e, \\ud800."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def tell(line: str) -> None:
    """A line of a command's output."""
    sys.stdout.write(f"{printable(line)}\n")
    sys.stdout.flush()


def warn(text: str) -> None:
    """Something that a person should know and that stops nothing."""
    sys.stderr.write(f"warning: {printable(text)}\n")


def tell_error(text: str) -> None:
    """The one line that says why a command failed."""
    sys.stderr.write(f"lossledger: error: {printable(' '.join(text.split()))[:1000]}\n")


def show_step(text: str) -> None:
    """What is being done right now, on one line that the next one overwrites; only on a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{printable(text):<79}\r")
        sys.stderr.flush()


def duration(seconds: float) -> str:
    """As people say it: 2 min 5 s."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
