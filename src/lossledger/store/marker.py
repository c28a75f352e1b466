"""The marker of a warehouse: its format, and which declarations its tables follow."""

import hashlib
import json
from pathlib import Path
from typing import Any

from lossledger.engine.errors import ConfigError
from lossledger.schemas.provenance import OLDEST_FORMAT
from lossledger.schemas.registry import TABLES
from lossledger.store.creation import beside, write_beside
from lossledger.store.places import Place

FORMAT = 5
NAME = "lossledger.json"
LOCK = ".lock"


def schemas_sha256() -> str:
    """A hash of the names of all tables and columns, by which a warehouse is known to have them all."""
    names = (f"{name} {','.join(c.name for c in table.columns)}" for name, table in sorted(TABLES.items()))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def has_marker(root: Place) -> bool:
    """An empty marker is what a full disk left of it."""
    try:
        return (root / NAME).stat().st_size > 0
    except OSError:
        return False


def write_marker(root: Place) -> None:
    """Say that the warehouse has today's tables and columns: the last thing that is done to one of before."""
    text = json.dumps({"warehouse_format": FORMAT, "schemas_sha256": schemas_sha256()})
    write_beside(root / NAME, text + "\n")


def is_of_today(root: Place) -> bool:
    """Whether every table that there is in the warehouse has the columns that are declared today."""
    return has_marker(root) and _read(root).get("schemas_sha256") == schemas_sha256()


def check_format(root: Place) -> None:
    """ConfigError: the folder holds something else, or a warehouse that this version cannot go on with."""
    # First what is there, then whether the marker is: another process may just be making it, marker first.
    nothing = isinstance(root, Path) and not root.is_dir()
    there = set() if nothing else {entry.name for entry in root.iterdir()}
    if has_marker(root):
        found = _read(root).get("warehouse_format", "unreadable")
        if found in range(1, OLDEST_FORMAT):
            raise ConfigError(
                f"warehouse {root} has format {found}, of earlier tables, and this version writes "
                f"{FORMAT}: run again from the raw files (the landing zone) into a new warehouse"
            )
        if found not in range(OLDEST_FORMAT, FORMAT + 1):
            raise ConfigError(
                f"warehouse {root} was written by an incompatible version (format {found}, this one writes "
                f"{FORMAT}): use the version that wrote it, or an empty warehouse"
            )
    elif there - {LOCK, NAME, beside(Path(NAME)).name} and NAME not in there:
        raise ConfigError(
            f"{root} is not empty and no Lossledger warehouse: give --warehouse an empty or new folder"
        )


def _read(root: Place) -> dict[str, Any]:
    try:
        found = json.loads((root / NAME).read_text())
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
