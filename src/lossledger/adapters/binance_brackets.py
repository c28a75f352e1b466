"""Binance leverage brackets as margin tiers; every published cumulative amount is checked."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from lossledger.adapters.binance_symbols import Symbol
from lossledger.adapters.delivered import csv_rows, decimal
from lossledger.engine.errors import DataError

COLUMNS = ("symbol", "notional_floor", "maint_margin_rate", "maint_amount_cum")
_NAME = re.compile(r"tiers_(\d{4}-\d{2}-\d{2})\.csv(\.gz)?")


class Bracket(NamedTuple):
    """One row of a bracket file."""

    symbol: Symbol
    floor: Decimal
    rate: Decimal


def snapshot_date(path: Path) -> str:
    """The date in the name tiers_YYYY-MM-DD.csv(.gz): the latest on which these brackets can have begun."""
    match = _NAME.fullmatch(path.name)
    try:
        return date.fromisoformat(match[1] if match else "").isoformat()
    except ValueError:
        raise DataError(f"{path}: the name says no date; call it tiers_YYYY-MM-DD.csv.gz") from None


def brackets(path: Path, symbol_of: Callable[[str, str], Symbol]) -> Iterator[Bracket]:
    """The rows of one file, each checked against the recursion of rules.md section 6.

    DataError: a floor or rate out of order, or a published cumulative amount that is not
    cum_{k−1} + floor_k × (rate_k − rate_{k−1}): the table is damaged.
    """
    current: str | None = None
    done: set[str] = set()
    floor = rate = cumulative = Decimal(0)
    for number, row in csv_rows(path, COLUMNS):
        where = f"{path} row {number}"
        symbol = symbol_of(row["symbol"], where)
        next_floor, next_rate = (
            decimal(row["notional_floor"], where),
            decimal(row["maint_margin_rate"], where),
        )
        if symbol.id != current:
            if symbol.id in done or next_floor != 0:
                raise DataError(f"{where}: brackets of {symbol.id} are not together, or do not start at 0")
            current, cumulative = symbol.id, Decimal(0)
            done.add(symbol.id)
        elif next_floor <= floor or next_rate < rate:
            raise DataError(f"{where}: brackets of {symbol.id} are out of order")
        else:
            cumulative += next_floor * (next_rate - rate)
        floor, rate = next_floor, next_rate
        published = decimal(row["maint_amount_cum"], where)
        if published != cumulative:
            raise DataError(
                f"{where}: {symbol.id} publishes the amount {published}, its tiers give {cumulative}"
            )
        yield Bracket(symbol, floor, rate)
