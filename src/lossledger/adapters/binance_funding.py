"""Binance's funding rates at the mark in force, which the venue pays on and its files do not say."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from lossledger.adapters.binance_files import FUNDING, Delivery, Symbols, rows
from lossledger.adapters.delivered import decimal, plain
from lossledger.adapters.report import AdaptReport
from lossledger.engine.errors import DataError

SAME_PAYMENT = timedelta(minutes=1)  # contracts are funded once an hour at most
OLDEST_MARK = timedelta(days=1)  # an older one, of a day before a gap in the delivery, would be a wrong price

Row = tuple[str, ...]
Opens = dict[str, dict[str, str]]  # instrument -> opening time -> opening price


def funding_of(
    found: Delivery, symbols: Symbols, opens: Opens, bar_us: int, report: AdaptReport
) -> list[Row]:
    """Rows of `funding` at the last mark that is not after them: the venue's times are some milliseconds late.

    A row whose last mark is older than a day (or two bars, where that is longer) has no price: it is left
    out and counted. DataError: one payment delivered twice.
    """
    times = {name: sorted(at) for name, at in opens.items()}
    oldest = max(OLDEST_MARK, timedelta(microseconds=2 * bar_us))
    priced: set[Row] = set()
    left_out = 0
    for symbol, ts, rate in _rates(found, symbols):
        marks = times.get(symbol, [])
        index = bisect_right(marks, ts)
        if index and _between(marks[index - 1], ts) <= oldest:
            priced.add((ts, symbol, rate, opens[symbol][marks[index - 1]]))
        else:
            left_out += 1
    report.notes.append(
        f"{left_out} funding rows have no tick at their time or up to {oldest.total_seconds() / 3600:.0f} hours "
        "before it, so no price, and are left out"
    )
    _refuse_repeated(priced)
    return sorted(priced)


def _rates(found: Delivery, symbols: Symbols) -> Iterator[tuple[str, str, str]]:
    for file in found.files[FUNDING]:
        column = "funding_rate" if file.symbol is None else "last_funding_rate"
        for symbol, ts, cells, where in rows(FUNDING, file, (column,), symbols):
            yield symbol.id, ts, plain(decimal(cells[column], where))


def _refuse_repeated(funding: set[Row]) -> None:
    """DataError: one payment from two files, in one of them with its time rounded, would count twice."""
    for (symbol, ts), (next_symbol, next_ts) in pairwise(sorted((row[1], row[0]) for row in funding)):
        if symbol == next_symbol and _between(ts, next_ts) < SAME_PAYMENT:
            raise DataError(f"{symbol} is funded at {ts} and at {next_ts}: one payment, delivered twice")


def _between(earlier: str, later: str) -> timedelta:
    return datetime.fromisoformat(later) - datetime.fromisoformat(earlier)
