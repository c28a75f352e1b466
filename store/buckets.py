"""Accounts are spread over a fixed number of buckets."""

from zlib import crc32

from schemas.ledger import BUCKETS


def account_bucket(account_id: str) -> int:
    """Which bucket an account is in: fixed for ever, the same in every process."""
    return crc32(account_id.encode()) % BUCKETS
