"""Checks that a folder can hold Delta tables."""

import os
import re
from pathlib import Path

from lossledger.engine.errors import ConfigError
from lossledger.store.places import Place

# Delta makes a URL of a path and reads it back: %20 comes back as a blank, a backslash as a slash, and
# brackets, carets and bars are no URL at all (deltalake 1.6.6). Tables would be written in one place and
# looked for in another.
_UNSAFE = re.compile(r"%[0-9a-fA-F]{2}|[\\\[\]^|]|[\x00-\x1f\x7f]|[\ud800-\udfff]")


def check_path(root: Place) -> None:
    """ConfigError for a path in which tables cannot be kept."""
    whole = f"{os.path.abspath(root)}/{os.path.realpath(root)}" if isinstance(root, Path) else str(root)
    found = _UNSAFE.search(whole)
    if found:
        raise ConfigError(
            f"warehouse {root}: tables cannot be kept below a folder with {found[0]!r} in its name: "
            "give --warehouse another folder"
        )
