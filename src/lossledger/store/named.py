"""The versions that somebody may still ask for: those that were ever published, and the inputs of recorded runs."""

import json
from collections import defaultdict
from collections.abc import Mapping

from lossledger.engine.errors import ConfigError
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.store.arrow import to_rows
from lossledger.store.history import read_history
from lossledger.store.places import open_parquet
from lossledger.store.warehouse import Warehouse

Named = Mapping[str, set[int]]  # full name of a table -> versions


def named_versions(warehouse: Warehouse) -> Named:
    """By every version that ops.published_days ever had, and by ops.runs.

    ConfigError when a file of its history is gone: then nobody can tell what was published.
    """
    named: defaultdict[str, set[int]] = defaultdict(set)
    for versions in _published(warehouse):
        for table, version in versions.items():
            named[table].add(version)
    for (inputs,) in to_rows(RUNS, warehouse.read(RUNS), ("inputs",)):
        for name, version in json.loads(inputs).items():
            named[f"ledger.{name}"].add(version)
    return named


def _published(warehouse: Warehouse) -> list[Mapping[str, int]]:
    """What was ever published, also what was restated since: `--as-of` reads it."""
    folder = warehouse.path(PUBLISHED_DAYS)
    found = []
    for file in read_history(folder).spans:
        try:
            column = open_parquet(folder / file).read(columns=["table_versions"]).column(0)
        except FileNotFoundError:
            raise ConfigError(
                f"{folder / file} is gone, and with it which versions were published: nothing is removed; "
                "restore the file from a copy"
            ) from None
        found += [json.loads(text) for text in column.to_pylist()]
    return found
