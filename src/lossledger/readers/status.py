"""Status: published dates, last runs, open failures, and the next command."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from lossledger.engine.clock import day_start_us, to_datetime
from lossledger.engine.errors import ConfigError
from lossledger.readers.published.pins import read_pins
from lossledger.readers.rejected_rows import Quarantine
from lossledger.readers.warnings import breaks_lines, rejected_lines, warning_lines
from lossledger.schemas.ops import RUNS
from lossledger.store.arrow import to_rows
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate, published_days
from lossledger.store.warehouse import Warehouse

Run = Mapping[str, Any]  # a row of ops.runs
_LAST = 5
_DAY = timedelta(days=1)
_ADVICE = {
    2: "correct the call or the policy, then",
    3: "correct the data, then",
    4: "when what it names is over:",
}


def status_lines(root: Place) -> Iterator[str]:
    """A page for the operator; reads only."""
    if not (root / "lossledger.json").exists():
        raise ConfigError(f"{root} is no Lossledger warehouse: lossledger run --warehouse {root} … makes one")
    warehouse = Warehouse(root)
    published = published_days(warehouse)
    names = [c.name for c in RUNS.columns]
    runs = [dict(zip(names, row, strict=True)) for row in to_rows(RUNS, warehouse.read(RUNS))]
    runs.sort(key=lambda run: run["started_at"], reverse=True)
    yield from _published_lines(published)
    yield ""
    yield "last runs" if runs else "no runs yet"
    for run in runs[:_LAST]:
        yield _run_line(run)
    yield ""
    quarantine = Quarantine(warehouse, read_pins(warehouse))
    yield from warning_lines(warehouse, published, quarantine)
    yield from breaks_lines(warehouse, published)
    yield from rejected_lines(quarantine, _open_failures(published, runs), published)
    yield from _next_lines(root, published, runs)


def _published_lines(published: dict[date, PublishedDate]) -> Iterator[str]:
    if not published:
        yield "published  no date yet"
        return
    first, last = min(published), max(published)
    yield f"published  {len(published)} dates, {first} to {last}"
    latest = published[last]
    yield f"           {last} by run {latest.run_id} at {_time(latest.published_at)}"


def _run_line(run: Run) -> str:
    line = f"  {_time(run['started_at'])}  {run['business_date']}  {run['outcome']:<9}  "
    line += f"{run['milliseconds'] / 1000:.1f} s"
    if run["outcome"] == "failed":
        return f"{line}  exit {run['exit_code']}: {run['message']}"
    if run["outcome"] == "unchanged":
        return f"{line}  as it was published"
    changed = json.loads(run["counts"])
    return f"{line}  {len(changed)} tables written, {sum(changed.values())} rows"


def _next_lines(root: Place, published: dict[date, PublishedDate], runs: Sequence[Run]) -> Iterator[str]:
    """Failures that are still open, and the next command."""
    command = f"lossledger run --landing LANDING --warehouse {root}"
    failed = _failures(published, runs)
    for run in failed:
        if published and run["business_date"] < min(published):
            yield (
                f"left out   {run['business_date']} failed, and this warehouse begins after it: to have it, run "
                "from it into another warehouse"
            )
    failed = [run for run in failed if not published or run["business_date"] >= min(published)]
    if failed:
        run = failed[0]
        first, last = _range(run["business_date"], published)
        yield f"failed     {run['business_date']} (exit {run['exit_code']}): {run['message']}"
        advice = _ADVICE.get(run["exit_code"], "run with --debug and report what it says:")
        yield f"next       {advice} {command} --from {first} --to {last}"
    elif published:
        day = max(published) + _DAY
        yield f"next       {command} --from {day} --to {day}"
    else:
        yield f"next       {command} --from DATE --to DATE"


def _failures(published: dict[date, PublishedDate], runs: Sequence[Run]) -> list[Run]:
    """Dates whose last run failed, and which were not published after it, in order."""
    last = {run["business_date"]: run for run in sorted(runs, key=lambda run: run["started_at"])}
    return [
        run
        for day, run in sorted(last.items())
        if run["outcome"] == "failed"
        and not (day in published and published[day].published_at > run["started_at"])
    ]


def _open_failures(published: dict[date, PublishedDate], runs: Sequence[Run]) -> list[date]:
    """Dates that failed and may still be put right in this warehouse."""
    days = [run["business_date"] for run in _failures(published, runs)]
    return [day for day in days if not published or day >= min(published)]


def _range(day: date, published: dict[date, PublishedDate]) -> tuple[date, date]:
    """The range of dates to run for a failed date, acceptable to `run`.

    No gap after what is published, and up to its last date, which may have been computed from this one. Where
    sessions end within a day, the date's folder has events of the session before it, which begins the range.
    """
    if not published:
        return day, day
    first, last = min(day, max(published) + _DAY), max(day, *published)
    before = published.get(first - _DAY)
    if before and before.end > day_start_us(first):
        first = before.day
    return first, last


def _time(ts: int) -> str:
    return f"{to_datetime(ts):%Y-%m-%d %H:%M} UTC"
