"""The state of the day before as columns: wallets, debts, charges and positions of a group of accounts."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.rules.episode import Episode
from jobs.replay.names import Group
from jobs.replay.prices import Prices, whole_numbers
from jobs.replay.source import BucketTask
from kernel.columns import Positions, States
from kernel.layout import Ints
from kernel.rows import carried_columns
from store.amounts import decimal_words

_UNIT = ("account_id", "currency", "isolation")
_WHOLE = np.ones(1, np.int64)


class Carried(NamedTuple):
    """`refused`: units with a position that is not on its grid. `episodes`: what is open of units, by their numbers."""

    states: States
    positions: Positions
    refused: Ints
    episodes: dict[int, Episode]


def read_state(task: BucketTask, group: Group, prices: Prices) -> Carried:
    """What the units of a group start with."""
    episodes: dict[int, Episode] = {}
    wallets, charges = _wallets(task, group, episodes), _charges(task, group)
    units = np.union1d(wallets[0], charges[0])
    columns = [np.zeros(len(units), np.int64) for _ in range(6)]
    known, charged = np.searchsorted(units, wallets[0]), np.searchsorted(units, charges[0])
    for column, values in zip(columns[:3], wallets[1:4], strict=True):
        column[known] = values
    for column, values in zip(columns[3:5], charges[1:3], strict=True):
        column[charged] = values
    columns[5][known] |= wallets[4]
    columns[5][charged] |= charges[3]
    positions, refused = _positions(task, group, prices)
    states = States(*[units, *columns, *carried_columns(units, episodes)])
    return Carried(states, positions, refused, episodes)


def _joined(parts: Iterator[list[Ints]], width: int) -> list[Ints]:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return columns or [np.zeros(0, np.int64)] * width


def _mine(
    task: BucketTask, group: Group, name: str, columns: tuple[str, ...]
) -> Iterator[tuple[pa.RecordBatch, Ints]]:
    """Rows of the group's accounts, and their units."""
    coded = [*_UNIT, *(c for c in columns if c == "instrument_id")]
    for batch in task.state_batches(name, (*_UNIT, *columns), coded, group.buckets):
        accounts = group.accounts(batch.column("account_id"))
        mine = accounts >= 0
        if mine.any():
            found = batch.filter(pa.array(mine))
            yield found, group.units(found, accounts[mine])


def _amounts(batch: pa.RecordBatch, *columns: str) -> tuple[list[Ints], Ints]:
    """Ledger units, and whether one of a row does not fit into 62 bits."""
    which = np.zeros(batch.num_rows, np.int64)
    found = [whole_numbers(decimal_words(batch.column(name)), _WHOLE, which) for name in columns]
    unfit = ~np.logical_and.reduce([exact for _, exact in found])
    return [numbers for numbers, _ in found], unfit.astype(np.int64)


def _wallets(task: BucketTask, group: Group, episodes: dict[int, Episode]) -> list[Ints]:
    """Amounts of units; `episodes` receives those that are open, which are few."""

    def parts() -> Iterator[list[Ints]]:
        names = ("closing_wallet", "closing_debt", "closing_unrealised")
        for batch, units in _mine(task, group, "unit_sessions", (*names, "open_episode")):
            amounts, unfit = _amounts(batch, *names)
            opened = pc.is_valid(batch.column("open_episode"))
            texts = batch.column("open_episode").filter(opened).to_pylist()
            numbers = units[opened.to_numpy(zero_copy_only=False)].tolist()
            episodes.update((n, Episode.from_json(text)) for n, text in zip(numbers, texts, strict=True))
            yield [units, *amounts, unfit]

    return _joined(parts(), 5)


def _charges(task: BucketTask, group: Group) -> list[Ints]:
    def parts() -> Iterator[list[Ints]]:
        for batch, units in _mine(task, group, "unit_charges", ("charge", "booked_at")):
            (amounts,), unfit = _amounts(batch, "charge")
            yield [units, amounts, batch.column("booked_at").cast(pa.int64()).to_numpy(), unfit]

    return _joined(parts(), 4)


def _positions(task: BucketTask, group: Group, prices: Prices) -> tuple[Positions, Ints]:
    """In the order of unit and instrument."""

    def parts() -> Iterator[list[Ints]]:
        columns = ("instrument_id", "quantity", "entry_value")
        for batch, units in _mine(task, group, "unit_positions", columns):
            instruments = group.instruments(batch.column("instrument_id"))
            words = decimal_words(batch.column("quantity"))
            lots, on = whole_numbers(words, prices.lot_steps, instruments)
            (entries,), unfit = _amounts(batch, "entry_value")
            yield [units, instruments, lots, entries, unfit | ~on]

    *columns, unfit = _joined(parts(), 5)
    order = np.lexsort((columns[1], columns[0]))
    return Positions(*(column[order] for column in columns)), np.unique(columns[0][unfit != 0])
