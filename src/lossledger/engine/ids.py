"""Ids: the order of delivered ones (rules.md section 4), and those that the recomputation gives.

A given id is made of what it names, so that it is the same wherever it is made.
"""

import hashlib
import json
import re
from functools import lru_cache

_DIGITS = re.compile("[0-9]+")
_NUMBER = "\x01"  # sorts before every id: control characters are in none


def order_key(delivered_id: str) -> str:
    """A text whose code-point order is the order of transfer_ids, fill_ids and movement_ids (rules.md section 4).

    Ids of digits alone come first, as numbers of any length, equal numbers as text; every other id is its own key. An
    empty text, which stands for no id, comes before all.
    """
    if not _DIGITS.fullmatch(delivered_id):
        return delivered_id
    number = delivered_id.lstrip("0")
    return f"{_NUMBER}{len(number):04}{number}{_NUMBER}{delivered_id}"


_TEXT = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"))


@lru_cache(maxsize=64, typed=True)  # the rows of an episode are made one after the other
def stable_id(prefix: str, *parts: object) -> str:
    """An id that depends on nothing but its parts: the same for the same input, wherever it is made."""
    return f"{prefix}-{hashlib.sha256(_TEXT.encode(parts).encode()).hexdigest()[:20]}"
