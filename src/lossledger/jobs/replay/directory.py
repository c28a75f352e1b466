"""Numbers of a task for accounts, instruments, currencies and risk units, each in the order of its names.

So rows in the order of units' numbers are in the order of account_id, currency and isolation as text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Account, AccountVersion, UnitKey
from lossledger.engine.versions import Versions
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.layout import ACCOUNT, VERSION, Ints, Rows
from lossledger.schemas.ledger import TYPED
from lossledger.store.buckets import account_buckets
from lossledger.store.session_inputs import Source

_COLUMNS = ("account_id", "account_type", "client_class", "negative_balance_protected", "valid_from")


class Accounts(NamedTuple):
    """The accounts of a task by number, and their versions: what the kernel takes."""

    ids: pa.Array
    buckets: Ints
    rows: Rows
    versions: Rows
    classes: list[str]


@dataclass
class Directory:
    """Unit = account × places + place; a place is a currency's cross margin or an isolated instrument."""

    accounts: Accounts
    instruments: list[str]
    currencies: list[str]
    places: list[tuple[str, str]]  # currency, isolation
    settlement: Ints  # currency of an instrument
    cross: Ints  # place of a currency's cross margin
    isolated: Ints  # place of an instrument's isolated unit

    def key(self, unit: int) -> UnitKey:
        account, place = divmod(int(unit), len(self.places))
        return UnitKey(self.accounts.ids[account].as_py(), *self.places[place])

    def key_columns(self, units: Ints) -> dict[str, pa.Array]:
        """The columns that tell units."""
        account, place = np.divmod(units, len(self.places))
        of_place = pa.array(place)
        return {
            "account_id": self.accounts.ids.take(pa.array(account)),
            "currency": pa.array([currency for currency, _ in self.places], pa.string()).take(of_place),
            "isolation": pa.array([isolation for _, isolation in self.places], pa.string()).take(of_place),
        }

    def account_objects(self, numbers: Sequence[int]) -> dict[str, Account]:
        """Some accounts as the reference has them."""
        found = {}
        for number in numbers:
            row, account_id = self.accounts.rows[number], self.accounts.ids[number].as_py()
            versions = [
                (
                    int(v["valid_from"]),
                    AccountVersion(self.accounts.classes[v["client_class"]], bool(v["protected"])),
                )
                for v in self.accounts.versions[row["version_from"] : row["version_to"]]
            ]
            kind = "house" if row["house"] else "client"
            found[account_id] = Account(account_id, kind, Versions(versions))
        return found


def read_directory(task: BucketTask) -> Directory:
    """Everything that the task's rows can name."""
    contracts = task.reference.contracts
    instruments, currencies = sorted(contracts), sorted(task.reference.scales)
    places = sorted([*((c, "") for c in currencies), *((contracts[i].currency, i) for i in instruments)])
    at = {place: number for number, place in enumerate(places)}
    return Directory(
        read_accounts(task),
        instruments,
        currencies,
        places,
        np.array([currencies.index(contracts[i].currency) for i in instruments], np.int64),
        np.array([at[c, ""] for c in currencies], np.int64),
        np.array([at[contracts[i].currency, i] for i in instruments], np.int64),
    )


def read_accounts(task: BucketTask) -> Accounts:
    """The accounts of the task's buckets."""
    source = task.sources["accounts"]
    data = source.read(None).select(_COLUMNS)
    mine = np.isin(_buckets_of_rows(source.path, source.version), task.buckets)
    order = [("account_id", "ascending"), ("valid_from", "ascending")]
    data = data.filter(pa.array(mine)).sort_by(order).combine_chunks()
    coded = data.column("account_id").combine_chunks().dictionary_encode()
    codes = coded.indices.to_numpy().astype(np.int64)
    numbers = np.arange(len(coded.dictionary))
    rows = np.zeros(len(numbers), ACCOUNT)
    rows["version_from"], rows["version_to"] = (np.searchsorted(codes, numbers, s) for s in ("left", "right"))
    rows["house"] = _is(data, "account_type", "house")[rows["version_from"]]
    classes = sorted(pc.unique(data.column("client_class")).to_pylist())
    versions = np.zeros(len(codes), VERSION)
    versions["valid_from"] = data.column("valid_from").cast(pa.int64()).to_numpy()
    versions["protected"] = data.column("negative_balance_protected").to_numpy()
    versions["client_class"] = pc.index_in(
        data.column("client_class"), pa.array(classes, pa.string())
    ).to_numpy()
    of_account = account_buckets(coded.dictionary).astype(np.int64)
    return Accounts(coded.dictionary, of_account, rows, versions, classes)


@lru_cache(maxsize=1)
def _buckets_of_rows(path: str, version: int) -> Ints:
    """Of all accounts' rows, in the order in which they are read: once in a process, whatever tasks it does."""
    ids = Source(path, version, TYPED["accounts"]).read(None).column("account_id").combine_chunks()
    return account_buckets(ids)


def _is(data: pa.Table, column: str, value: str) -> np.ndarray:
    found: np.ndarray = pc.equal(data.column(column), value).to_numpy().astype(np.int64)
    return found
