"""Makes written files the files of a date of a Delta table, in one transaction."""

import json
from collections.abc import Sequence
from datetime import date
from urllib.parse import unquote
from uuid import uuid4

from deltalake.transaction import AddAction

from lossledger.schemas.core import Table
from lossledger.store.places import Place, link, open_parquet, place
from lossledger.store.table_cache import at_version
from lossledger.store.warehouse import NOT_THERE, Warehouse


def commit_files(warehouse: Warehouse, table: Table, files: Sequence[Place], day: date) -> int:
    """Put Parquet files, which have no partition column, in place of a date's rows: the new version.

    They get a second name under the table, so that the originals remain until the commit is done.
    """
    folder = warehouse.path(table) / f"{table.partition}={day.isoformat()}"
    actions = []
    for number, source in enumerate(files):
        target = folder / f"part-{number:05}-{uuid4()}.zstd.parquet"
        link(source, target)
        stats = {"numRecords": open_parquet(source).metadata.num_rows}
        actions.append(add_action(table, target, day, json.dumps(stats)))
    warehouse.replace_files(table, actions, day)
    return warehouse.version(table)


def add_action(table: Table, path: Place, day: date, stats: str) -> AddAction:
    """The log's entry for a file in the folder of its partition; `stats`: rows and bounds, as Delta's JSON."""
    found = path.stat()
    return AddAction(
        path=f"{path.parent.name}/{path.name}",
        size=found.st_size,
        partition_values={table.partition: day.isoformat()},
        modification_time=found.st_mtime_ns // 1_000_000,
        data_change=True,
        stats=stats,
    )


def files_of(warehouse: Warehouse, table: Table, day: date | None, version: int | None = None) -> list[Place]:
    """The files with a date's rows (or all rows) in a version, by default the newest; none where it is NOT_THERE."""
    if version == NOT_THERE or not warehouse.has(table):
        return []
    delta = warehouse.delta(table) if version is None else at_version(str(warehouse.path(table)), version)
    wanted = [(table.partition, "=", day.isoformat())] if day else None
    return sorted(
        place(unquote(uri.removeprefix("file://"))) for uri in delta.file_uris(file_pruning_predicate=wanted)
    )


def rows_of(warehouse: Warehouse, table: Table, day: date, version: int) -> int:
    """The number of rows of a date in a version."""
    return sum(open_parquet(path).metadata.num_rows for path in files_of(warehouse, table, day, version))
