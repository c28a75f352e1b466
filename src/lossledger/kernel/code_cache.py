"""Where machine code is kept, and whether it is that of today's sources; known without loading the compiler."""

import hashlib
import shutil
from functools import lru_cache
from pathlib import Path

ROOM = Path(__file__).resolve().parent
WARM = "complete"


def cache_of(room: Path) -> Path:
    """Where a room's machine code is: below, a folder for each state of its sources."""
    return room / "__pycache__" / "compiled"


@lru_cache
def stamp(room: Path = ROOM) -> str:
    """What the machine code was made from: every source file of the room, and of this one, which others build on."""
    digest = hashlib.sha256()
    for path in [*sorted(room.glob("*.py")), *sorted(ROOM.glob("*.py"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def is_warm(room: Path = ROOM) -> bool:
    """Whether the room has been compiled since its sources changed."""
    return (cache_of(room) / stamp(room) / WARM).exists()


def keep_only_current(room: Path = ROOM) -> None:
    """Mark the cache as complete, and delete what older sources left."""
    (cache_of(room) / stamp(room)).mkdir(parents=True, exist_ok=True)
    (cache_of(room) / stamp(room) / WARM).touch()
    for other in cache_of(room).iterdir():
        if other.name != stamp(room):
            shutil.rmtree(other, ignore_errors=True)
