"""The live files of a delivered Delta table, and the features needed to read them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake.exceptions import DeltaError

from lossledger.store.places import Place, entries, open_binary, open_table

LOG = "_delta_log"
_COMMIT = 1 << 20  # bytes of a commit that are searched


class NoTable(Exception):
    """The log cannot be read as a table's; the message says why."""


@dataclass(frozen=True)
class LiveFiles:
    """Of one version: paths as the log has them, each with the values of its partition by column."""

    version: int
    features: tuple[str, ...]
    partitioned_by: tuple[str, ...]
    files: Sequence[tuple[str, dict[str, Any]]]


def live_files(where: Place) -> LiveFiles:
    """The newest version of the table. NoTable; ConfigError and ConflictError for what its store answers."""
    try:
        table = open_table(where)
        features = set(table.protocol().reader_features or ())
        metadata = table.metadata()
        actions = pa.table(table.get_add_actions(flatten=True)).to_pylist()
    except DeltaError as error:
        raise NoTable(f"{error}{_mapping(where)}") from error
    if metadata.configuration.get("delta.columnMapping.mode", "none") != "none":
        features.add("columnMapping")
    columns = tuple(metadata.partition_columns)
    files = [(action["path"], {name: action[f"partition.{name}"] for name in columns}) for action in actions]
    return LiveFiles(table.version(), tuple(sorted(features)), columns, files)


def _mapping(where: Place) -> str:
    """A hint that the library omits for a table with column mapping, which it cannot open."""
    for path in entries(where / LOG):
        if path.name.endswith(".json"):
            with open_binary(path) as file:
                if b"delta.columnMapping.mode" in file.read(_COMMIT):
                    return " (it has column mapping)"
    return ""
