"""Publish: put a checked date in place of what stood there, table by table, and commit it for readers."""

import json
import shutil
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa

from engine.errors import ConfigError
from jobs.day import Day
from schemas.core import Table
from schemas.ops import PUBLISHED_DAYS, RESTATEMENTS
from schemas.registry import CARRIED, PUBLISHED
from store.arrow import sort_by_key, to_arrow
from store.published import Published
from store.warehouse import content_hash

IN_PROGRESS = "publishing"  # the note that is there from the first table written until the commit
_TABLES = (*PUBLISHED.values(), *CARRIED.values())


@dataclass
class Publication:
    """What publishing did: `changed` tables with their rows, none when all was the same; `rows` of every table."""

    changed: dict[str, int]
    rows: dict[str, int]
    restated: bool


def now_us() -> int:
    return time.time_ns() // 1000


def publish(day: Day, run_id: str, input_sha256: str, to: date) -> Publication:
    """Write what differs and commit. Nothing is written when the rows are those already published.

    `to`: the last date of this run. ConfigError when published dates after it would be left standing on
    numbers that are no longer there.
    """
    staged = {table: sort_by_key(table, day.read_staged(table)) for table in _TABLES}
    own_days = day.warehouse.days(PUBLISHED_DAYS)
    before = day.published[day.day] if day.day in own_days else None
    changed = _changed(day, staged, before)
    if before and changed and own_days[-1] > to:
        raise ConfigError(
            f"{day.day} comes out differently from what is published, and {own_days[-1]} was computed from it: "
            f"run again with --to {own_days[-1]}"
        )
    day.write_note(IN_PROGRESS, {"run_id": run_id})
    versions = _write(day, run_id, staged, changed, before)
    if before is None or changed:
        start, output = day.session_start, content_hash(staged.items())
        row = Published(day.day, run_id, now_us(), start, day.end, day.first, input_sha256, output, versions)
    else:
        row = replace(before, input_sha256=input_sha256, table_versions=versions)
    if row != before:
        _commit(day, row)
    shutil.rmtree(day.staged("").parent, ignore_errors=True)
    written = {table.full_name: staged[table].num_rows for table in changed}
    rows = {table.name: data.num_rows for table, data in staged.items()}
    return Publication(written, rows, before is not None and bool(changed))


def _changed(day: Day, staged: Mapping[Table, pa.Table], before: Published | None) -> list[Table]:
    """The tables that readers will see changed: not the newest version counts, if a run died before its commit."""
    if before is None:
        return [table for table, data in staged.items() if data.num_rows]
    seen = before.table_versions
    return [table for table, data in staged.items() if not _same(day, table, data, seen[table.full_name])]


def _write(
    day: Day,
    run_id: str,
    staged: Mapping[Table, pa.Table],
    changed: Collection[Table],
    before: Published | None,
) -> dict[str, int]:
    """Put the date's rows in place where they are not, and note what they replace: the version of every table."""
    versions = {}
    for table, data in staged.items():
        if not _same(day, table, data, None):
            day.warehouse.replace_day(table, data, day.day)
        if before and table in changed:
            _restate(day, run_id, table, data, before.table_versions[table.full_name])
        versions[table.full_name] = day.warehouse.version(table)
    return versions


def _same(day: Day, table: Table, data: pa.Table, version: int | None) -> bool:
    """Whether the table holds just these rows of the date, in a version or (None) now."""
    stored = day.warehouse.read(table, day.day, version=version)
    return stored.num_rows == data.num_rows and content_hash([(table, stored)]) == content_hash(
        [(table, data)]
    )


def _restate(day: Day, run_id: str, table: Table, data: pa.Table, old_version: int) -> None:
    stored = day.warehouse.read(table, day.day, version=old_version)
    row = {
        "run_id": run_id,
        "restated_at": now_us(),
        "table_name": table.full_name,
        "rows_before": stored.num_rows,
        "rows_after": data.num_rows,
        "version_before": str(old_version),
        "version_after": str(day.warehouse.version(table)),
    }
    day.warehouse.append(RESTATEMENTS, to_arrow(RESTATEMENTS, [row], business_date=day.day))


def _commit(day: Day, row: Published) -> None:
    """The row that makes the date visible to readers."""
    values = {
        "run_id": row.run_id,
        "published_at": row.published_at,
        "session_start": row.start,
        "session_end": row.end,
        "first_date": row.first_date,
        "input_sha256": row.input_sha256,
        "output_sha256": row.output_sha256,
        "table_versions": json.dumps(dict(row.table_versions), sort_keys=True),
    }
    day.warehouse.replace_day(
        PUBLISHED_DAYS, to_arrow(PUBLISHED_DAYS, [values], business_date=row.day), row.day
    )
    day.published[row.day] = row
