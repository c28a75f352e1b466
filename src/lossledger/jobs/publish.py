"""Publish: put a checked date in place of what stood there, table by table, and commit it for readers."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from lossledger.engine.errors import ConfigError
from lossledger.jobs.day import Day
from lossledger.jobs.sources import Source, noted, record_reasons, record_sources
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import DELIVERIES, QUARANTINE
from lossledger.schemas.ops import PUBLISHED_DAYS, RESTATEMENTS
from lossledger.schemas.registry import CARRIED, PUBLISHED
from lossledger.store.arrow import to_arrow
from lossledger.store.data_files import commit_files, files_of, rows_of
from lossledger.store.published_dates import PublishedDate, hashed_columns, output_sha256
from lossledger.store.staging import Staging
from lossledger.store.table_hashes import staged_sha256, stored_sha256

IN_PROGRESS = "publishing"  # the note that is there from the first table written until the commit
TABLES = (*PUBLISHED.values(), *CARRIED.values())
# What became of the delivered rows. Its version is noted anew when a corrected delivery changes no published row.
COUNTED = (DELIVERIES, QUARANTINE)


@dataclass
class Publication:
    """What publishing did: `changed` tables with their rows, none when all was the same; `rows` of every table."""

    changed: dict[str, int]
    rows: dict[str, int]
    restated: bool


def now_us() -> int:
    return time.time_ns() // 1000


def publish(
    day: Day, run_id: str, input_sha256: str, to: date, sources: Sequence[Source] = ()
) -> Publication:
    """Write what differs and commit. Nothing is written when the rows are those already published.

    `sources`: what the date was computed from. `to`: the last date of this run. ConfigError when published dates
    after it would be left standing on numbers that are no longer there.
    """
    own_days = day.warehouse.days(PUBLISHED_DAYS)
    before = day.published[day.day] if day.day in own_days else None
    hashes = table_hashes(day)
    seen = published_hashes(day, before)
    rows = {table: day.staging.rows(table) for table in TABLES}
    changed = [table for table in TABLES if _differs(table, rows[table], hashes, seen)]
    if before and changed and own_days[-1] > to:
        raise ConfigError(
            f"{day.day} comes out differently from what is published, and {own_days[-1]} was computed from it: "
            f"run again with --to {own_days[-1]}"
        )
    unseen = [table for table in TABLES if table in changed or _left_behind(day, table, before)]
    day.staging.write_note(IN_PROGRESS, {"run_id": run_id})
    for table in unseen:
        commit_files(day.warehouse, table, day.staging.paths(table), day.day)
    versions = {table.full_name: day.warehouse.version(table) for table in TABLES}
    if before and changed:
        _restate(day, run_id, {table: rows[table] for table in changed}, before)
        record_reasons(day, run_id, now_us(), sources, before)
    versions |= {table.full_name: day.warehouse.version(table) for table in COUNTED}
    versions |= record_sources(day, run_id, input_sha256, sources, before)
    if before is None or changed:
        start, output = day.session_start, output_sha256(hashes)
        row = PublishedDate(
            day.day,
            run_id,
            now_us(),
            start,
            day.end,
            day.first,
            input_sha256,
            output,
            versions,
            hashes,
            {table.full_name: hashed_columns(table) for table in TABLES},
        )
    else:
        row = replace(before, input_sha256=input_sha256, table_versions=versions)
    if row != before:
        _commit(day, row)
    day.staging.discard()
    written = {table.full_name: rows[table] for table in changed}
    by_name = {table.name: count for table, count in rows.items()}
    return Publication(written, by_name, before is not None and bool(changed))


def table_hashes(day: Day) -> dict[str, str]:
    """The hash of every table's rows of a date; where there are many rows, tables side by side, the largest first."""
    rows = {table: day.staging.rows(table) for table in TABLES}
    ordered = sorted(TABLES, key=lambda table: -rows[table])
    hashes = day.mapper.map(_hash_of, [(day.staging, table) for table in ordered], sum(rows.values()))
    found = dict(zip(ordered, hashes, strict=True))
    return {table.full_name: found[table] for table in TABLES}


def published_hashes(day: Day, published: PublishedDate | None) -> Mapping[str, str]:
    """The same of the rows that readers see now. What was hashed over other columns than today's is hashed anew:
    rows of before have in new columns, or for a table that came later, what every reader sees of them."""
    if published is None:
        return {}
    found = {}
    for table in TABLES:
        noted = published.table_sha256.get(table.full_name)
        if noted is None or ",".join(published.columns_of(table)) != hashed_columns(table):
            noted = stored_sha256(day.warehouse, table, day.day, published.version_of(table))
        found[table.full_name] = noted
    return found


def _hash_of(task: tuple[Staging, Table]) -> str:
    return staged_sha256(*task)


def _differs(table: Table, rows: int, hashes: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Whether readers will see other rows than before; where nothing was published, any rows."""
    return hashes[table.full_name] != seen[table.full_name] if seen else rows > 0


def _left_behind(day: Day, table: Table, before: PublishedDate | None) -> bool:
    """Whether the table now has other files of the date than readers see: a run died before its commit."""
    if before is None:
        return bool(files_of(day.warehouse, table, day.day))
    seen = before.version_of(table)
    if seen == day.warehouse.version(table):
        return False
    return files_of(day.warehouse, table, day.day) != files_of(day.warehouse, table, day.day, seen)


def _restate(day: Day, run_id: str, changed: Mapping[Table, int], before: PublishedDate) -> None:
    """A row per table of which readers had seen something else; not again when a run goes on after it died."""
    if noted(day, RESTATEMENTS, run_id):
        return
    rows = []
    for table, count in changed.items():
        old_version = before.version_of(table)
        rows.append(
            {
                "run_id": run_id,
                "restated_at": now_us(),
                "table_name": table.full_name,
                "rows_before": rows_of(day.warehouse, table, day.day, old_version),
                "rows_after": count,
                "version_before": str(old_version),
                "version_after": str(day.warehouse.version(table)),
            }
        )
    day.warehouse.append(RESTATEMENTS, to_arrow(RESTATEMENTS, rows, business_date=day.day))


def _commit(day: Day, row: PublishedDate) -> None:
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
        "table_sha256": json.dumps(dict(row.table_sha256), sort_keys=True),
        "table_columns": json.dumps(dict(row.table_columns), sort_keys=True) if row.table_columns else "",
    }
    day.warehouse.replace_day(
        PUBLISHED_DAYS, to_arrow(PUBLISHED_DAYS, [values], business_date=row.day), row.day
    )
    day.published[row.day] = row
