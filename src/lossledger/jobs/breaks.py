"""Breaks before publication: those in rules that the policy names keep a date back, any other is a warning."""

from typing import Any

from lossledger.engine.errors import DataError
from lossledger.engine.figures import exact
from lossledger.engine.rules.breaks import VENUE_RULES, breaks_text, count_breaks, is_counted
from lossledger.jobs.day import Day
from lossledger.jobs.terminal import warn
from lossledger.schemas.attribution import RECONCILIATION
from lossledger.store.arrow import to_rows

_SHOWN = 3


def settle_breaks(day: Day) -> None:
    """Tell the breaks of the staged date. DataError for one in a rule of the policy's fail_on_breaks.

    The policy just before the end of the session decides. In a scenario the comparisons with what the venue published
    count for neither: they differ in every one.
    """
    names = [column.name for column in RECONCILIATION.columns]
    rows = [
        dict(zip(names, row, strict=True))
        for row in to_rows(RECONCILIATION, day.staging.read(RECONCILIATION))
    ]
    left_out = VENUE_RULES if day.scenario else ()
    fatal = set(day.policy.at(day.end - 1).fail_on_breaks).difference(left_out)
    refused = [row for row in rows if row["rule"] in fatal and is_counted(row)]
    if refused:
        raise DataError(
            f"{day.day} was not published: {breaks_text(count_breaks(refused))}, and the policy's fail_on_breaks "
            f"keeps the date back for that: {_examples(refused)}. Have the delivery corrected and run again"
        )
    if counts := count_breaks(rows, left_out):
        warn(f"{day.day}: {breaks_text(counts)}; see attribution.reconciliation")


def _examples(rows: list[dict[str, Any]]) -> str:
    shown = "; ".join(
        f"{row['key']} expected {exact(row['expected'])}, found {exact(row['actual'])}"
        for row in rows[:_SHOWN]
    )
    return shown + ("; …" if len(rows) > _SHOWN else "")
