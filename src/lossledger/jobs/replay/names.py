"""From the names in a group's rows to the numbers of its task."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.errors import InvariantError
from lossledger.jobs.replay.directory import Directory
from lossledger.kernel.layout import Ints
from lossledger.kernel.words import NARROW, Width


class Group:
    """Some buckets of a task, whose rows are held together, in amounts of a width; or those of some of their units."""

    def __init__(
        self,
        directory: Directory,
        buckets: Sequence[int],
        width: Width = NARROW,
        only: Ints | None = None,
    ) -> None:
        self.directory, self.buckets, self.width, self._only = directory, list(buckets), width, only
        self.numbers = np.flatnonzero(np.isin(directory.accounts.buckets, self.buckets))
        self._ids = directory.accounts.ids.take(pa.array(self.numbers))

    def accounts(self, column: pa.DictionaryArray) -> Ints:
        """The numbers of accounts; -1: not of these buckets."""
        found = codes(column, self._ids)
        return np.where(found < 0, -1, np.r_[self.numbers, -1][found])

    def instruments(self, column: pa.DictionaryArray) -> Ints:
        """-1: the empty text."""
        return codes(column, pa.array(self.directory.instruments, pa.string()))

    def currencies(self, column: pa.DictionaryArray) -> Ints:
        return codes(column, pa.array(self.directory.currencies, pa.string()))

    def units(self, batch: pa.RecordBatch, accounts: Ints) -> Ints:
        """The units that rows name by account_id, currency and isolation."""
        isolation = self.instruments(batch.column("isolation"))
        cross = self.directory.cross[self.currencies(batch.column("currency"))]
        place = np.where(isolation < 0, cross, np.r_[self.directory.isolated, -1][isolation])
        return accounts * len(self.directory.places) + place

    def chosen(self, units: Ints) -> np.ndarray:
        """Which rows are those of the group's units."""
        return units >= 0 if self._only is None else np.isin(units, self._only)


def codes(column: pa.DictionaryArray, names: pa.Array) -> Ints:
    """The place in `names` of every value, -1 where it is not among them."""
    if column.null_count:
        raise InvariantError("an id in the ledger is null")
    known = pc.index_in(column.dictionary, names).fill_null(-1).to_numpy().astype(np.int64)
    found: Ints = known[column.indices.to_numpy()]
    return found
