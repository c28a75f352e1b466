"""Raw: the bytes of every delivered file, kept once under the hash of their content."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 20


def content_path(root: Path, sha256: str) -> Path:
    """Where the bytes with this hash are in a warehouse."""
    return root / "raw" / "content" / sha256[:2] / sha256


def keep(source: BinaryIO, target: Path) -> str:
    """Copy to the end; the hash of what was copied. It stands at `target` only if that is named after it."""
    digest = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"{target.name}.{os.getpid()}.writing")
    try:
        with beside.open("wb") as sink:
            while block := source.read(_BLOCK):
                digest.update(block)
                sink.write(block)
        found = digest.hexdigest()
        if found == target.name:
            beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return found
