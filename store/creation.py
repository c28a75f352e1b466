"""Making files and tables whole: beside, then renamed, so that no half-made one ever stands under its name."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from engine.errors import ConfigError, ConflictError, LossledgerError, is_out_of_space, no_space
from schemas.core import Table
from store.arrow import arrow_schema


def beside(path: Path) -> Path:
    """Where something is written before it gets its name; a dot hides it from readers."""
    return path.with_name(f".{path.name}.new")


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file, which gets its name when it is all there. ConflictError: the disk is full."""
    try:
        yield beside(path)
        beside(path).replace(path)
    except OSError as error:
        if is_out_of_space(error):
            raise ConflictError(no_space(str(path))) from error
        raise


def write_beside(path: Path, text: str) -> None:
    """Write a small file as a whole. ConflictError: the disk is full."""
    with whole(path) as writing:
        writing.write_text(text)


def table_path(root: Path, table: Table) -> Path:
    return root / table.schema / table.name


def has_log(path: Path) -> bool:
    """Whether a Delta table is there: a log with a commit. A folder alone is what a full disk may leave."""
    log = path / "_delta_log"
    return log.is_dir() and any(
        entry.name[:20].isdigit() and entry.stat().st_size > 0 for entry in os.scandir(log)
    )


def create_table(root: Path, table: Table, properties: Mapping[str, str]) -> None:
    """Make the table where it is missing. A half-made one, which holds nothing, is made anew.

    ConfigError: data without a log. ConflictError: the disk is full.
    """
    path = table_path(root, table)
    if has_log(path):
        return
    try:
        if any(path.rglob("*.parquet")):
            raise ConfigError(f"{path} has data and no log: restore the warehouse, or run into an empty one")
        path.parent.mkdir(exist_ok=True)
        for rest in (path, beside(path)):
            shutil.rmtree(rest, ignore_errors=True)
        DeltaTable.create(
            str(beside(path)),
            arrow_schema(table),
            partition_by=[table.partition] if table.partition else None,
            description=f"A row is: {table.grain}. {table.doc}",
            configuration=dict(properties),
        )
        beside(path).rename(path)
    except (OSError, DeltaError) as error:
        raise write_error(f"{table.full_name} in {path}", error) from error


def write_error(what: str, error: Exception) -> LossledgerError:
    """What a failed write is for a person: a full disk passes, anything else is to be corrected."""
    if is_out_of_space(error):
        return ConflictError(no_space(what))
    return ConfigError(f"cannot write {what}: {error}")
