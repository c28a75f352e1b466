"""Comparing tables of text rows as multisets: numbers as decimals, times as instants."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?")
# Their values are names even when they look like numbers: '1' and '1.0' are two of them.
TEXT_COLUMNS = {
    "account_id",
    "from_account_id",
    "instrument_id",
    "fill_id",
    "close_fill_id",
    "lot_id",
    "trade_id",
    "against_account_id",
    "isolation",
    "from_isolation",
    "key",
    "file",
}


def normal(column: str, value: object) -> str:
    """One spelling per value: `1.0` = `1`, `...Z` = `...+00:00`, null = ''."""
    text = "" if value is None else str(value)
    if column in TEXT_COLUMNS:
        return text
    if text in ("True", "False"):
        return text.lower()
    if NUMBER.fullmatch(text):
        number = format(Decimal(text).normalize(), "f") if Decimal(text) else "0"
        return number
    if TIME.fullmatch(text):
        moment = dt.datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment.astimezone(dt.UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return text


def diff_tables(
    expected: Iterable[Mapping[str, object]], actual: Iterable[Mapping[str, object]]
) -> list[str]:
    """Lines `- row` (missing) and `+ row` (not expected); [] when both are the same multiset.

    Compared are the columns that the expected rows have (all of the actual rows' when nothing is expected).
    A lot_id that no expected row has is the implementation's own, as that of a simulated lot: none.
    """
    expected, actual = list(expected), list(actual)
    if expected and "lot_id" in expected[0]:
        known = {row["lot_id"] for row in expected}
        actual = [row if row.get("lot_id") in known else {**row, "lot_id": ""} for row in actual]
    columns = list(expected[0]) if expected else (list(actual[0]) if actual else [])
    left = Counter(tuple(normal(c, row.get(c)) for c in columns) for row in expected)
    right = Counter(tuple(normal(c, row.get(c)) for c in columns) for row in actual)
    lines = [(row, "-") for row in (left - right).elements()] + [
        (row, "+") for row in (right - left).elements()
    ]
    return [
        sign + " " + ", ".join(f"{c}={v}" for c, v in zip(columns, row, strict=True))
        for row, sign in sorted(lines)
    ]
