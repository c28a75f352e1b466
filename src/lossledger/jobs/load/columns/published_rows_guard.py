"""Detects whether a load would change rows of published sessions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from lossledger.schemas.inputs import DATASETS
from lossledger.schemas.ledger import TYPED
from lossledger.store.arrow import arrow_schema
from lossledger.store.delta import read
from lossledger.store.places import Copies, open_table, place


@dataclass(frozen=True)
class GuardTask:
    """Compares a table's rows of a date before `before_us` with those in `files`, for some buckets of accounts."""

    dataset: str
    day: date
    ledger: str
    version: int
    files: Sequence[str]
    before_us: int
    buckets: tuple[int, int] | None


def published_rows_differ(task: GuardTask) -> bool:
    """Whether the rows differ; the delivered files and row numbers do not count."""
    table = TYPED[task.dataset]
    names = [f.name for f in DATASETS[task.dataset].fields]
    wanted = pc.field("ts") < pa.scalar(task.before_us, pa.timestamp("us", tz="UTC"))
    if task.buckets:
        bucket = pc.field("account_bucket")
        wanted &= (bucket >= task.buckets[0]) & (bucket < task.buckets[1])
    old = read(
        table,
        open_table(task.ledger, task.version),
        [(table.partition, "=", task.day.isoformat())],
        wanted,
    )
    new = _read_files(task.files, table, wanted)
    return not _in_order(old, names).equals(_in_order(new, names))


def _read_files(files: Sequence[str], table: Any, wanted: Any) -> pa.Table:
    schema = pa.schema([f for f in arrow_schema(table) if f.name != table.partition])
    present = [file for file in map(place, files) if file.exists()]
    if not present:
        return schema.empty_table()
    with Copies() as copies:
        return ds.dataset(list(map(str, copies.of(present))), schema=schema).to_table(filter=wanted)


def _in_order(data: pa.Table, names: Sequence[str]) -> pa.Table:
    ordered = data.select(names).replace_schema_metadata(None)
    plain = pa.schema([f.remove_metadata() for f in ordered.schema])
    return ordered.cast(plain).sort_by([(name, "ascending") for name in names]).combine_chunks()
