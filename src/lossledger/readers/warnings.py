"""Open warnings: findings of published dates, and rows rejected by the load of failed dates."""

import shlex
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta

import pyarrow.compute as pc

from lossledger.engine.rules.breaks import breaks_text
from lossledger.expectations.check import BREAKS, UNDETERMINED, WARN
from lossledger.expectations.findings import told
from lossledger.readers.rejected_rows import Quarantine
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.arrow import to_rows
from lossledger.store.published_breaks import published_breaks
from lossledger.store.published_dates import PublishedDate
from lossledger.store.scenario_folders import is_scenario
from lossledger.store.warehouse import Warehouse

_SHOWN = 5  # dates
_COLUMNS = ("business_date", "run_id", "table_name", "expectation", "unexpected_count", "examples")
_BREAKS_QUERY = (
    "SELECT rule, key, expected, actual FROM reconciliation WHERE business_date = '{day}' AND "
    "abs(actual - expected) > tolerance"
)

Found = tuple[str, str, int, str]  # table, check, rows, examples


def warning_lines(
    warehouse: Warehouse, published: Mapping[date, PublishedDate], quarantine: Quarantine
) -> Iterator[str]:
    """Lines for the newest dates that were published with a warning; none without warnings.

    Uses the checks of the publishing runs, and reads reconciliations and rejected rows only where
    there are any, so that dates without findings cost nothing.
    """
    found, rejected = _found(warehouse, published), quarantine.days()
    days = sorted({*found, *rejected}, reverse=True)
    for day in days[:_SHOWN]:
        lines = quarantine.describe_date(day) if day in rejected else []
        lines += _finding_lines(warehouse, published[day], found.get(day, []))
        for line in lines:
            yield f"warning    {day}  {line}"
    if len(days) > _SHOWN:
        yield (
            f"           and {len(days) - _SHOWN} earlier dates: ops.dq_results, severity warn, success false; "
            "ledger.quarantine"
        )
    if any(day in rejected for day in days[:_SHOWN]):
        yield f"           lossledger quarantine --warehouse {_typed(warehouse)} lists the rejected rows"
    if days:
        yield ""


def breaks_lines(warehouse: Warehouse, published: Mapping[date, PublishedDate]) -> Iterator[str]:
    """For the newest dates with breaks beyond tolerance: which, and the command that lists them."""
    found = _found(warehouse, published)
    days = [day for day, rows in found.items() if any(name == BREAKS for _, name, _, _ in rows)]
    for day in sorted(days, reverse=True)[:_SHOWN]:
        counts = ", ".join(f"{rule} x{n}" for rule, n in published_breaks(warehouse, published[day]).items())
        if counts:
            query = _BREAKS_QUERY.format(day=day)
            yield f'look at    {day}  {counts}: lossledger query --warehouse {_typed(warehouse)} "{query}"'


def rejected_lines(
    quarantine: Quarantine, failed: Iterable[date], published: Mapping[date, PublishedDate]
) -> Iterator[str]:
    """Rows rejected by the newest load of failed dates, including the next date's folder, which a session may use."""
    seen: set[date] = set()
    for day in failed:
        for folder in (day, day + timedelta(days=1)):
            if folder in seen or (folder != day and folder in published):
                continue
            seen.add(folder)
            for line in quarantine.describe_load(folder):
                yield f"rejected   {day}  {line}"


def _typed(warehouse: Warehouse) -> str:
    """The warehouse as a shell argument."""
    return shlex.quote(str(warehouse.root))


def _found(warehouse: Warehouse, published: Mapping[date, PublishedDate]) -> dict[date, list[Found]]:
    """Findings of the checks, by date."""
    wanted = (pc.field("severity") == WARN) & ~pc.field("success")
    by_day: defaultdict[date, list[Found]] = defaultdict(list)
    for day, run_id, *rest in sorted(to_rows(DQ_RESULTS, warehouse.find(DQ_RESULTS, wanted), _COLUMNS)):
        if day in published and published[day].run_id == run_id:
            table, name, count, examples = rest
            by_day[day].append((table, name, count, examples))
    if is_scenario(warehouse.root):
        return {day: rows for day, rows in by_day.items() if _of_scenario(warehouse, published[day], rows)}
    return by_day


def _of_scenario(warehouse: Warehouse, published: PublishedDate, found: list[Found]) -> bool:
    """Whether a scenario's findings include others than comparisons with the venue's publications."""
    return any(
        name != UNDETERMINED and (name != BREAKS or published_breaks(warehouse, published))
        for _, name, _, _ in found
    )


def _finding_lines(warehouse: Warehouse, published: PublishedDate, found: list[Found]) -> list[str]:
    """One line for each finding."""
    unsaid = (BREAKS, UNDETERMINED) if is_scenario(warehouse.root) else (BREAKS,)
    lines = told(row for row in found if row[1] not in unsaid)
    if any(row[1] == BREAKS for row in found) and (counts := published_breaks(warehouse, published)):
        lines.append(f"{breaks_text(counts)}; see attribution.reconciliation")
    return lines
