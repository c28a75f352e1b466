"""Table versions that `maintain` keeps: those that were ever published, and the inputs of recorded runs."""

import json
from collections import defaultdict
from collections.abc import Mapping

from lossledger.engine.errors import ConfigError
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.store.arrow import to_rows
from lossledger.store.file_history import read_file_history
from lossledger.store.places import open_parquet
from lossledger.store.warehouse import Warehouse

RetainedVersions = Mapping[str, set[int]]  # full name of a table -> versions


def retained_versions(warehouse: Warehouse) -> RetainedVersions:
    """The versions named by ops.runs and by any version of ops.published_days.

    ConfigError: a file of ops.published_days is gone, so what was published is not known.
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
    """The versions of every publication, with those since restated: `--as-of` reads them."""
    folder = warehouse.path(PUBLISHED_DAYS)
    found = []
    for file in sorted(read_file_history(warehouse, PUBLISHED_DAYS).paths):
        try:
            column = open_parquet(folder / file).read(columns=["table_versions"]).column(0)
        except FileNotFoundError:
            raise ConfigError(
                f"{folder / file} is gone, and with it which versions were published: nothing is removed; "
                "restore the file from a copy"
            ) from None
        found += [json.loads(text) for text in column.to_pylist()]
    return found
