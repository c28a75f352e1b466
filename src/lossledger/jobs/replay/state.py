"""The state of the day before as columns: wallets, debts, charges and positions of a group of accounts."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.rules.episode import Episode
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.prices import Prices, whole_amounts, whole_numbers
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.columns import Positions, States
from lossledger.kernel.layout import Amounts, Ints
from lossledger.kernel.rows import carried_columns
from lossledger.store.amount_arrays import decimal_words

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
    columns = [np.zeros(len(units), t) for t in (*[group.width.amount] * 4, np.int64, np.int64)]
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


def _joined(parts: Iterator[list[Any]], *types: Any) -> list[Any]:
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return columns or [np.zeros(0, each) for each in types]


def _mine(
    task: BucketTask, group: Group, name: str, columns: tuple[str, ...]
) -> Iterator[tuple[pa.RecordBatch, Ints]]:
    """Rows of the group's accounts, and their units."""
    coded = [*_UNIT, *(c for c in columns if c == "instrument_id")]
    for batch in task.state_batches(name, (*_UNIT, *columns), coded, group.buckets):
        accounts = group.accounts(batch.column("account_id"))
        units = group.units(batch, accounts)
        mine = group.chosen(units) & (accounts >= 0)
        if mine.any():
            yield batch.filter(pa.array(mine)), units[mine]


def _amounts(group: Group, batch: pa.RecordBatch, *columns: str) -> tuple[list[Amounts], Ints]:
    """Ledger units, and whether one of a row is too large."""
    which = np.zeros(batch.num_rows, np.int64)
    found = [whole_amounts(decimal_words(batch.column(name)), _WHOLE, which, group.width) for name in columns]
    unfit = ~np.logical_and.reduce([exact for _, exact in found])
    return [numbers for numbers, _ in found], unfit.astype(np.int64)


def _wallets(task: BucketTask, group: Group, episodes: dict[int, Episode]) -> list[Any]:
    """Amounts of units; `episodes` receives those that are open, which are few."""

    def parts() -> Iterator[list[Any]]:
        names = ("closing_wallet", "closing_debt", "closing_unrealised")
        for batch, units in _mine(task, group, "unit_sessions", (*names, "open_episode")):
            amounts, unfit = _amounts(group, batch, *names)
            opened = pc.is_valid(batch.column("open_episode"))
            texts = batch.column("open_episode").filter(opened).to_pylist()
            numbers = units[opened.to_numpy(zero_copy_only=False)].tolist()
            episodes.update((n, Episode.from_json(text)) for n, text in zip(numbers, texts, strict=True))
            yield [units, *amounts, unfit]

    return _joined(parts(), np.int64, *[group.width.amount] * 3, np.int64)


def _charges(task: BucketTask, group: Group) -> list[Any]:
    def parts() -> Iterator[list[Any]]:
        for batch, units in _mine(task, group, "unit_charges", ("charge", "booked_at")):
            (amounts,), unfit = _amounts(group, batch, "charge")
            yield [units, amounts, batch.column("booked_at").cast(pa.int64()).to_numpy(), unfit]

    return _joined(parts(), np.int64, group.width.amount, np.int64, np.int64)


def _positions(task: BucketTask, group: Group, prices: Prices) -> tuple[Positions, Ints]:
    """In the order of unit and instrument."""

    def parts() -> Iterator[list[Any]]:
        columns = ("instrument_id", "quantity", "entry_value")
        for batch, units in _mine(task, group, "unit_positions", columns):
            instruments = group.instruments(batch.column("instrument_id"))
            words = decimal_words(batch.column("quantity"))
            lots, on = whole_numbers(words, prices.lot_steps, instruments)
            (entries,), unfit = _amounts(group, batch, "entry_value")
            yield [units, instruments, lots, entries, unfit | ~on]

    *columns, unfit = _joined(parts(), *[np.int64] * 3, group.width.amount, np.int64)
    order = np.lexsort((columns[1], columns[0]))
    return Positions(*(column[order] for column in columns)), np.unique(columns[0][unfit != 0])
