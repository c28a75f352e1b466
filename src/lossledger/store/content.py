"""Raw: the bytes of every delivered file, kept once under the hash of their content."""

import hashlib
import os
from pathlib import Path
from typing import BinaryIO

from lossledger.store.places import Place, scratch

_BLOCK = 1 << 20


def content_path(root: Place, sha256: str) -> Place:
    """Where the bytes with this hash are in a warehouse."""
    return root / "raw" / "content" / sha256[:2] / sha256


def keep(source: BinaryIO, target: Place) -> str:
    """Copy the whole source; returns its hash. `target` is created only if the hash is its name."""
    if isinstance(target, Path):
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = target.with_name(f"{target.name}.{os.getpid()}.writing")
        try:
            found = _copy(source, beside)
            if found == target.name:
                beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
        return found
    with scratch(target.name) as copy:
        found = _copy(source, copy)
        if found == target.name:
            target.upload(copy)
    return found


def _copy(source: BinaryIO, target: Path) -> str:
    digest = hashlib.sha256()
    with target.open("wb") as sink:
        while block := source.read(_BLOCK):
            digest.update(block)
            sink.write(block)
    return digest.hexdigest()
