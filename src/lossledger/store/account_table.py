"""Accounts as columns; an object is made on access, so millions of accounts cost little."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Account, AccountVersion
from lossledger.engine.versions import Versions

_TERMS = ("account_type", "client_class", "negative_balance_protected")


class FirstSeen(Mapping[str, int]):
    """The time from which each account is known, in microseconds; `names` and `times`: the mapping as columns."""

    def __init__(self, names: pa.Array, times: np.ndarray) -> None:
        self.names, self.times = names, times

    @classmethod
    def of(cls, accounts: Mapping[str, int]) -> "FirstSeen":
        """Of any mapping."""
        if isinstance(accounts, FirstSeen):
            return accounts
        return cls(pa.array(list(accounts), pa.string()), np.array(list(accounts.values()), dtype=np.int64))

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.names.to_pylist())}

    def __getitem__(self, account_id: str) -> int:
        return int(self.times[self._place[account_id]])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names.to_pylist())

    def __len__(self) -> int:
        return len(self.names)

    def __getstate__(self) -> dict[str, Any]:
        return {"names": self.names, "times": self.times}


class AccountTable(Mapping[str, Account]):
    """The accounts of a warehouse by name, in order of their names. `rows`: the table ledger.accounts."""

    def __init__(self, rows: pa.Table) -> None:
        order = [("account_id", "ascending"), ("valid_from", "ascending")]
        self.rows = rows.sort_by(order).combine_chunks()

    @cached_property
    def _starts(self) -> np.ndarray:
        """Where the versions of each account begin, and where the last ones end."""
        ids = _column(self.rows, "account_id")
        if not len(ids):
            return np.zeros(1, dtype=np.int64)
        other = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
        return np.r_[0, np.flatnonzero(other) + 1, len(ids)].astype(np.int64)

    @cached_property
    def first_seen(self) -> FirstSeen:
        """The first valid_from of each."""
        first = self._starts[:-1]
        times = _column(self.rows, "valid_from").cast(pa.int64()).to_numpy()
        return FirstSeen(_column(self.rows, "account_id").take(pa.array(first)), times[first])

    def of_type(self, account_type: str) -> frozenset[str]:
        """The ids of accounts of a type."""
        mine = self.rows.filter(pc.equal(_column(self.rows, "account_type"), account_type))
        return frozenset(_column(mine, "account_id").unique().to_pylist())

    @cached_property
    def _place(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.first_seen.names.to_pylist())}

    @cached_property
    def _versions(self) -> list[tuple[int, str, AccountVersion]]:
        """valid_from, type and terms of each row."""
        since = _column(self.rows, "valid_from").cast(pa.int64()).to_pylist()
        types, classes, protected = (_column(self.rows, name).to_pylist() for name in _TERMS)
        return list(zip(since, types, map(AccountVersion, classes, protected), strict=True))

    def __getitem__(self, account_id: str) -> Account:
        place = self._place[account_id]
        first, last = self._starts[place : place + 2].tolist()
        mine = self._versions[first:last]
        return Account(account_id, mine[0][1], Versions((since, terms) for since, _, terms in mine))

    def __iter__(self) -> Iterator[str]:
        return iter(self.first_seen)

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __getstate__(self) -> dict[str, Any]:
        return {"rows": self.rows}


def _column(rows: pa.Table, name: str) -> pa.Array:
    return rows.column(name).combine_chunks()
