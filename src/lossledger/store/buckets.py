"""Accounts are spread over a fixed number of buckets."""

from zlib import crc32

import numpy as np
import pyarrow as pa

from lossledger.schemas.ledger import BUCKETS
from lossledger.store.arrow import texts

_ALL = 0xFFFF_FFFF
_TABLE = np.array([crc32(bytes([byte ^ 0xFF])) ^ _ALL ^ (_ALL >> 8) for byte in range(256)], dtype=np.uint32)


def account_bucket(account_id: str) -> int:
    """The bucket of an account: fixed for ever, equal in every process."""
    return crc32(account_id.encode()) % BUCKETS


def account_buckets(accounts: pa.Array) -> np.ndarray:
    """`account_bucket` of a column: the checksum of all names, one byte of each at a time."""
    text, at = texts(accounts)
    starts, lengths = at[:-1].astype(np.int64), np.diff(at)
    order = np.argsort(-lengths, kind="stable")
    starts, lengths = starts[order], lengths[order]
    state = np.full(len(accounts), _ALL, dtype=np.uint32)
    for place in range(lengths[0] if len(lengths) else 0):
        longer = np.searchsorted(-lengths, -place)  # the names that have a byte here stand first
        mine = state[:longer]
        state[:longer] = (mine >> np.uint32(8)) ^ _TABLE[
            (mine & np.uint32(255)) ^ text[starts[:longer] + place]
        ]
    buckets = np.empty(len(accounts), dtype=np.int16)
    buckets[order] = (~state) % np.uint32(BUCKETS)
    return buckets
