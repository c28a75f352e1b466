"""Ids that the recomputation gives: made of what they name, so that they are the same wherever they are made."""

import hashlib
import json
from functools import lru_cache

_TEXT = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@lru_cache(maxsize=64, typed=True)  # the rows of an episode are made one after the other
def stable_id(prefix: str, *parts: object) -> str:
    """An id that depends on nothing but its parts: the same for the same input, wherever it is made."""
    return f"{prefix}-{hashlib.sha256(_TEXT.encode(parts).encode()).hexdigest()[:20]}"
