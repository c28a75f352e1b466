"""Creates files and tables atomically: under another name, then renamed, so that no partial one is ever visible."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.exceptions import DeltaError

from lossledger.engine.errors import ConfigError, ConflictError, LossledgerError, is_out_of_space, no_space
from lossledger.schemas.core import Table
from lossledger.store.arrow import arrow_schema
from lossledger.store.places import Place, written
from lossledger.store.store_client import is_store_error, store_error

FIRST_COMMIT = f"{0:020}.json"


def beside(path: Path) -> Path:
    """Where something is written before it gets its name; a dot hides it from readers."""
    return path.with_name(f".{path.name}.new")


@contextmanager
def whole(path: Place) -> Iterator[Path]:
    """Where to write a file, which gets its name when it is all there. ConflictError: the disk is full."""
    if not isinstance(path, Path):
        with written(path) as writing:
            yield writing
        return
    try:
        yield beside(path)
        beside(path).replace(path)
    except OSError as error:
        if is_out_of_space(error):
            raise ConflictError(no_space(str(path))) from error
        raise


def write_beside(path: Place, text: str) -> None:
    """Write a small file as a whole. ConflictError: the disk is full."""
    if not isinstance(path, Path):
        path.write_text(text)
        return
    with whole(path) as writing:
        writing.write_text(text)


def table_path(root: Place, table: Table) -> Place:
    return root / table.schema / table.name


def has_log(path: Place) -> bool:
    """Whether a Delta table is there: a log with a commit. A folder alone is what a full disk may leave."""
    log = path / "_delta_log"
    if not isinstance(log, Path):
        return (log / FIRST_COMMIT).is_file()  # nothing takes it away, and it comes as a whole
    return log.is_dir() and any(
        entry.name[:20].isdigit() and entry.stat().st_size > 0 for entry in os.scandir(log)
    )


def missing(root: Place, tables: Iterable[Table]) -> list[Table]:
    """Tables that are not there. Of a table in a store the log comes first: where its folder is, it is."""
    if isinstance(root, Path):
        return [table for table in tables if not has_log(table_path(root, table))]
    wanted = {str(table_path(root, table)): table for table in tables}
    schemas = sorted({table.schema for table in wanted.values()})
    there = {str(folder) for schema in schemas for folder in (root / schema).iterdir()}
    return [table for path, table in wanted.items() if path not in there]


def refuse_headless(path: Place) -> None:
    """ConfigError: data without a log."""
    if any(path.rglob("*.parquet")):
        raise ConfigError(f"{path} has data and no log: restore the warehouse, or run into an empty one")


def create_table(root: Place, table: Table, properties: Mapping[str, str]) -> None:
    """Make the table where it is missing. A partial one, which has no rows, is created again.

    ConfigError: data without a log. ConflictError: the disk is full.
    """
    path = table_path(root, table)
    if has_log(path):
        return
    try:
        refuse_headless(path)
        if isinstance(path, Path):
            path.parent.mkdir(exist_ok=True)
            for rest in (path, beside(path)):
                shutil.rmtree(rest, ignore_errors=True)
            _create(beside(path), table, properties)
            beside(path).rename(path)
        else:
            with tempfile.TemporaryDirectory(prefix="lossledger-") as folder:
                _create(Path(folder) / table.name, table, properties)
                # The log of an empty table is all there is of it. Whoever puts it there first has made the table.
                log = path / "_delta_log" / FIRST_COMMIT
                log.upload(Path(folder) / table.name / "_delta_log" / FIRST_COMMIT, new=True)
    except (OSError, DeltaError) as error:
        raise write_error(f"{table.full_name} in {path}", error) from error


def _create(path: Path, table: Table, properties: Mapping[str, str]) -> None:
    DeltaTable.create(
        str(path),
        arrow_schema(table),
        partition_by=[table.partition] if table.partition else None,
        description=f"A row is: {table.grain}. {table.doc} Key: {', '.join(table.key)}.",
        configuration=dict(properties),
    )


def add_columns(table: Table, delta: DeltaTable, properties: CommitProperties | None) -> None:
    """Give a table of before the columns that it lacks: a commit that writes no row, or none where it has them all.

    ConflictError: the disk is full.
    """
    there = {field.name for field in delta.schema().fields}
    lacking = [field for field in arrow_schema(table) if field.name not in there]
    if not lacking:
        return
    try:
        delta.alter.add_columns(Schema.from_arrow(pa.schema(lacking)).fields, commit_properties=properties)
    except (OSError, DeltaError) as error:
        raise write_error(f"{table.full_name} in {delta.table_uri}", error) from error


def write_error(what: str, error: Exception) -> LossledgerError:
    """The error of a failed write: ConflictError for a full disk, ConfigError for anything else."""
    if is_out_of_space(error):
        return ConflictError(no_space(what))
    if is_store_error(error):
        return store_error(error, what)
    return ConfigError(f"cannot write {what}: {error}")
