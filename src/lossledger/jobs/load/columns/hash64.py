"""64-bit hashes of keys. Equal keys have equal hashes; equal hashes are only a reason to look."""

from collections.abc import Iterable
from typing import Any

import numpy as np

SEED, MULTIPLIER, AVALANCHE = 0x243F_6A88_85A3_08D3, 0x9E37_79B9_7F4A_7C15, 0xD6E8_FEB8_6659_FD93
_MASK = (1 << 64) - 1


def hash_text(text: str) -> int:
    """Hash of an id. jobs.load.columns.texts.hash_spans is the compiled form for whole columns."""
    data = text.encode()
    h = SEED ^ (len(data) * MULTIPLIER & _MASK)
    for i in range(0, len(data), 8):
        h = (h ^ int.from_bytes(data[i : i + 8], "little")) * MULTIPLIER & _MASK
        h ^= h >> 29
    h = (h ^ (h >> 32)) * AVALANCHE & _MASK
    return h ^ (h >> 29)


def hash_numbers(columns: Iterable[np.ndarray]) -> np.ndarray:
    """Hashes of keys made of numbers (accounts, instruments, times)."""
    k = np.uint64(MULTIPLIER)
    total: Any = np.uint64(SEED)
    for column in columns:
        mixed = (column.astype(np.int64).view(np.uint64) + np.uint64(1)) * k
        mixed ^= mixed >> np.uint64(32)
        total = (total ^ mixed) * np.uint64(AVALANCHE)
        total ^= total >> np.uint64(29)
    return np.asarray(total, dtype=np.uint64)
