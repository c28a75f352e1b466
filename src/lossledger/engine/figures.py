"""Exact decimals as people read them. Values are integers of 10^-18; nothing is rounded unless the name says so."""

from collections.abc import Sequence

from lossledger.engine.clock import to_datetime
from lossledger.engine.numbers import E18, round_half_even_div

UNKNOWN = "n/a"


def exact(value_e18: int | None, places: int = 0) -> str:
    """Every digit, thousands separated: -1234500000000000000000 is `-1,234.5`.

    `places`: at least so many decimals, so that a column of amounts lines up; nothing is 0 all the same.
    """
    if value_e18 is None:
        return UNKNOWN
    whole, rest = divmod(abs(value_e18), E18)
    decimals = f"{rest:018d}".rstrip("0").ljust(places if value_e18 else 0, "0")
    sign = "-" if value_e18 < 0 else ""
    return f"{sign}{whole:,}" + (f".{decimals}" if decimals else "")


def plain(value_e18: int) -> str:
    """Every digit and nothing else, as machines read it: -1234500000000000000000 is `-1234.5`."""
    return exact(value_e18).replace(",", "")


def rounded(value_e18: int, places: int) -> str:
    """Half to even to so many places, all of them shown; only where the reader is told that it is rounded."""
    units = round_half_even_div(value_e18, 10 ** (18 - places))
    whole, rest = divmod(abs(units), 10**places)
    return ("-" if units < 0 else "") + f"{whole:,}" + (f".{rest:0{places}d}" if places else "")


def percent(part: int, whole: int) -> str:
    """part / whole, rounded to a tenth of a percent; nothing of nothing is told as a dash."""
    if whole == 0:
        return "-"
    return rounded(round_half_even_div(part * 100 * E18, whole), 1) + "%"


def clock(ts: int) -> str:
    """To the second, UTC."""
    return f"{to_datetime(ts):%Y-%m-%d %H:%M:%S}"


def text_table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Aligned lines, the first `left` columns to the left and all others to the right, two spaces between."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if n < left else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
