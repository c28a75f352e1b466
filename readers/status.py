"""Status: which days are published, what ran last, what failed and what to type next."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from engine.clock import to_datetime
from engine.errors import ConfigError
from schemas.ops import RUNS
from store.arrow import to_rows
from store.published import Published, published_days
from store.warehouse import Warehouse

_LAST = 5


def status_lines(root: Path) -> Iterator[str]:
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
    yield from _next_lines(root, published, runs)


def _published_lines(published: dict[date, Published]) -> Iterator[str]:
    if not published:
        yield "published  no date yet"
        return
    first, last = min(published), max(published)
    yield f"published  {len(published)} dates, {first} to {last}"
    latest = published[last]
    yield f"           {last} by run {latest.run_id} at {_time(latest.published_at)}"


def _run_line(run: dict[str, Any]) -> str:
    line = f"  {_time(run['started_at'])}  {run['business_date']}  {run['outcome']:<9}  "
    line += f"{run['milliseconds'] / 1000:.1f} s"
    if run["outcome"] == "failed":
        return f"{line}  exit {run['exit_code']}: {run['message']}"
    changed = json.loads(run["counts"])
    return f"{line}  {len(changed)} tables written, {sum(changed.values())} rows"


def _next_lines(root: Path, published: dict[date, Published], runs: list[dict[str, Any]]) -> Iterator[str]:
    """What failed and has not been published since, and the command that comes next."""
    failed = [r for r in runs if r["outcome"] == "failed" and not _mended(r, published, runs)]
    command = f"lossledger run --landing LANDING --warehouse {root}"
    if failed:
        run = min(failed, key=lambda r: r["business_date"])
        day = run["business_date"]
        yield f"failed     {day} (exit {run['exit_code']}): {run['message']}"
        advice = {
            2: "correct the call or the policy, then",
            3: "correct the data, then",
            4: "nothing to correct:",
        }.get(run["exit_code"], "run with --debug and report what it says:")
        yield f"next       {advice} {command} --from {day} --to {day}"
    elif published:
        day = max(published) + timedelta(days=1)
        yield f"next       {command} --from {day} --to {day}"
    else:
        yield f"next       {command} --from DATE --to DATE"


def _mended(run: dict[str, Any], published: dict[date, Published], runs: list[dict[str, Any]]) -> bool:
    day = run["business_date"]
    later = any(
        r["business_date"] == day and r["outcome"] == "published" and r["started_at"] > run["started_at"]
        for r in runs
    )
    return later or (day in published and published[day].published_at > run["started_at"])


def _time(ts: int) -> str:
    return f"{to_datetime(ts):%Y-%m-%d %H:%M} UTC"
