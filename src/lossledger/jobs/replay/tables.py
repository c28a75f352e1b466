"""Rows of a replay as tables, in the columns of their parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any, get_args, get_type_hints

import pyarrow as pa

from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import FundingTotal, SessionRows
from lossledger.schemas.ledger import REPLAYED
from lossledger.store.arrow import tuples_to_arrow
from lossledger.store.staging import part_schema

Tables = Mapping[str, pa.Table]  # by the names of REPLAYED
NO_DAY = date(1970, 1, 1)  # a part has no date in it
_ROW_TYPES: dict[str, Any] = {name: get_args(hint)[0] for name, hint in get_type_hints(SessionRows).items()}


def rows_to_arrow(name: str, rows: Sequence[Any]) -> pa.Table:
    """Engine rows of one of the lists of SessionRows; which date it is, their place says."""
    return tuples_to_arrow(REPLAYED[name], _ROW_TYPES[name]._fields, rows, business_date=NO_DAY)


def row_tables(rows: SessionRows) -> Tables:
    """Engine rows as tables."""
    found = {}
    for f in fields(rows):
        schema = part_schema(REPLAYED[f.name])
        found[f.name] = rows_to_arrow(f.name, getattr(rows, f.name)).select(schema.names).cast(schema)
    return found


def joined(parts: Iterable[Tables]) -> Tables:
    """The rows of all."""
    held = list(parts)
    return {name: pa.concat_tables([p[name] for p in held if name in p]) for name in REPLAYED}


def totals(rows: Iterable[FundingTotal]) -> list[FundingTotal]:
    """Per instrument, however the units that received funding were replayed."""
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for instrument_id, currency, amount, events in rows:
        before = found.get((instrument_id, currency), (0, 0))
        found[instrument_id, currency] = (before[0] + amount, before[1] + events)
    return [FundingTotal(*key, Ledger(amount), events) for key, (amount, events) in sorted(found.items())]
