"""How units stand at the instants of shortfalls: written by the tasks of a second replay, read by those that share."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lossledger.jobs.attribute.books import Books
from lossledger.jobs.replay.event_states import changes_at
from lossledger.jobs.replay.source import BucketTask
from lossledger.schemas.ledger import EVENT_STATES
from lossledger.store.amount_arrays import Amounts
from lossledger.store.duck import quoted
from lossledger.store.staging import Part, Staging
from lossledger.store.thresholds import EVENT_WINDOW_ROWS

_MOST_PARTS = 100_000  # of a task
_CHANGES = """
    select epoch_us(ts) as ts, number, coalesce(code, -1) as code, wallet, quantity, entry_value
    from event_states join units using (account_id, isolation) left join codes using (instrument_id)
    where currency = $1 and ts >= make_timestamp($2::bigint)::timestamptz
        and ts <= make_timestamp($3::bigint)::timestamptz
    order by ts
"""


@dataclass
class StatesTask:
    """`instants`: rising."""

    replay: BucketTask
    instants: Sequence[int]
    staging: Staging


def write_states(task: StatesTask) -> list[Part]:
    """Replay some accounts (in a worker) and write how their units stand."""
    written: list[Part | None] = []
    for data in changes_at(task.replay, task.instants):
        number = task.replay.number * _MOST_PARTS + len(written)
        written.append(task.staging.write_part(EVENT_STATES, number, data))
    return [part for part in written if part]


class States:
    """The states of a currency's units but liquidators', numbered in the order of account_id and isolation.

    `accounts`, `isolations`: of the units. `held_code`, `held_unit`: the instrument and the unit of every position that
    ever changes, in this order.
    """

    def __init__(
        self, books: Books, currency: str, instruments: Sequence[str], liquidators: Collection[str] = ()
    ) -> None:
        self._books, self._currency = books, currency
        names = pa.array(instruments, pa.string())
        books.add(
            "codes", pa.table({"instrument_id": names, "code": pa.array(range(len(names)), pa.int64())})
        )
        books.add("liquidators", pa.table({"account_id": pa.array(sorted(liquidators), pa.string())}))
        books.execute(
            "create temp table units as select *, row_number() over (order by account_id, isolation) - 1 as number "
            f"from (select distinct account_id, isolation from event_states where currency = '{quoted(currency)}') "
            "anti join liquidators using (account_id)"
        )
        units = books.table("select account_id, isolation from units order by number").combine_chunks()
        self.accounts, self.isolations = (
            units.column(name).combine_chunks() for name in ("account_id", "isolation")
        )
        held = books.table(
            "select distinct code, number from event_states join units using (account_id, isolation) "
            "join codes using (instrument_id) where currency = ? order by code, number",
            currency,
        )
        self.held_code, self.held_unit = (
            held.column(name).to_numpy().astype(np.int64) for name in ("code", "number")
        )

    def windows(self, last: int) -> Iterator[pa.Table]:
        """Changes up to a time, in order, some at a time, none of which cuts an instant.

        ts, number, code (-1: none), wallet, quantity, entry_value.
        """
        counts = self._books.rows(
            "select epoch_us(ts), count(*) from event_states where currency = ? group by all order by 1",
            self._currency,
        )
        start, rows = None, 0
        for place, (ts, count) in enumerate(counts):
            if ts > last:
                break
            start, rows = ts if start is None else start, rows + count
            if rows >= EVENT_WINDOW_ROWS or place + 1 == len(counts) or counts[place + 1][0] > last:
                yield self._books.table(_CHANGES, self._currency, start, ts)
                start, rows = None, 0

    def units_of(self, account_id: str | None) -> tuple[int, int]:
        """The numbers of an account's units: the first, and the one after the last; none of no account."""
        if account_id is None:
            return 0, 0
        numbers = range(len(self.accounts))
        first, after = (
            search(numbers, account_id, key=lambda n: self.accounts[n].as_py())
            for search in (bisect_left, bisect_right)
        )
        return first, after

    def by_account(self, charges: Amounts) -> tuple[pa.Array, Amounts]:
        """The accounts, and what each is charged when its units are charged so much."""
        coded = self.accounts.dictionary_encode()
        codes = coded.indices.to_numpy()
        firsts = np.flatnonzero(np.r_[True, codes[1:] != codes[:-1]]) if len(codes) else codes
        return coded.dictionary, np.add.reduceat(charges, firsts) if len(codes) else charges
