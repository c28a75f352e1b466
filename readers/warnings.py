"""Warnings that stand: checks that published dates did not pass, and breaks of their reconciliations."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

import pyarrow.compute as pc

from engine.rules.breaks import breaks_text, count_breaks
from expectations.check import BREAKS, WARN, finding
from schemas.attribution import RECONCILIATION
from schemas.ops import DQ_RESULTS
from store.arrow import to_rows
from store.published import Published
from store.warehouse import Warehouse

_SHOWN = 5  # dates
_COLUMNS = ("business_date", "run_id", "table_name", "expectation", "unexpected_count")


def warning_lines(warehouse: Warehouse, published: Mapping[date, Published]) -> Iterator[str]:
    """The newest dates that were published with a warning; nothing when there is none.

    Goes by the checks of the runs that published the dates, and reads reconciliations only where one said that
    something breaks: the cost does not grow with what is in order.
    """
    wanted = (pc.field("severity") == WARN) & ~pc.field("success")
    found = warehouse.find(DQ_RESULTS, wanted)
    by_day: defaultdict[date, list[tuple[str, str, int]]] = defaultdict(list)
    for day, run_id, table, name, count in sorted(to_rows(DQ_RESULTS, found, _COLUMNS)):
        if day in published and published[day].run_id == run_id:
            by_day[day].append((table, name, count))
    for day in sorted(by_day, reverse=True)[:_SHOWN]:
        for table, name, count in by_day[day]:
            told = _breaks(warehouse, published[day]) if name == BREAKS else finding(table, name, count)
            yield f"warning    {day}  {told}"
    if len(by_day) > _SHOWN:
        yield f"           and {len(by_day) - _SHOWN} earlier dates: ops.dq_results, severity warn, success false"
    if by_day:
        yield ""


def _breaks(warehouse: Warehouse, published: Published) -> str:
    version = published.version_of(RECONCILIATION)
    data = warehouse.read(RECONCILIATION, published.day, version=version)
    columns = ("rule", "key", "break", "tolerance")
    rows = (dict(zip(columns, row, strict=True)) for row in to_rows(RECONCILIATION, data, columns))
    return f"{breaks_text(count_breaks(rows))}; see attribution.reconciliation"
