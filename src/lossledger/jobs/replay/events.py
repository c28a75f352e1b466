"""What happens to a group of accounts in a session, as columns: transfers and fills."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Fill, Trade
from lossledger.jobs.replay.directory import Directory
from lossledger.jobs.replay.names import Group, codes
from lossledger.jobs.replay.prices import Prices, whole_amounts, whole_numbers
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.columns import Fills, Transfers, order_by
from lossledger.kernel.layout import (
    ADL,
    LIQUIDATION,
    LIQUIDATION_MET_BY_ADL,
    LIQUIDATION_MET_BY_LIQUIDATOR,
    NORMAL,
    Ints,
)
from lossledger.kernel.words import Width, integers
from lossledger.schemas.inputs import DATASETS
from lossledger.store.amount_arrays import decimal_words

_KIND_NAMES = DATASETS["fills"].field("kind").values
_KINDS = np.array([{"liquidation": LIQUIDATION, "adl": ADL}.get(name, NORMAL) for name in _KIND_NAMES])
_FILLS = ("ts", "account_id", "instrument_id", "isolated", "side", "price", "quantity", "fee", "kind")
_CODED = ("account_id", "instrument_id", "side", "kind")
_IDS = ("fill_id", "trade_id")


class FillRows(NamedTuple):
    """`named`: rows of fills that are not normal, rising, and their ids. `refused`: units with a row off its grid."""

    fills: Fills
    named: Ints
    fill_ids: pa.ChunkedArray
    trade_ids: pa.ChunkedArray
    refused: Ints

    def ids(self, rows: Ints, without: np.ndarray) -> pa.Array:
        """Ids of fills that are not normal; null where there is none."""
        places = np.searchsorted(self.named, rows)
        return self.fill_ids.take(pa.array(places, mask=without)).combine_chunks()

    def fill(self, row: int, directory: Directory, prices: Prices) -> Fill:
        """One of those as the reference has it."""
        at, f = int(np.searchsorted(self.named, row)), self.fills
        number, lots, kind = (int(column[row]) for column in (f.instrument, f.lots, f.kind))
        grid = prices.grids[number]
        return Fill(
            int(f.ts[row]),
            self.fill_ids[at].as_py(),
            self.trade_ids[at].as_py(),
            directory.instruments[number],
            1 if lots > 0 else -1,
            int(f.price[row]) * grid.price_e18,
            abs(lots) * grid.lot_e18,
            integers(f.fee[row : row + 1])[0],
            "adl" if kind == ADL else "liquidation",
            kind == LIQUIDATION_MET_BY_ADL,
            kind == LIQUIDATION_MET_BY_LIQUIDATOR,
        )


def _money_steps(task: BucketTask, directory: Directory) -> Ints:
    """A ledger unit of every currency in 10^-18."""
    return np.array([10 ** (18 - task.reference.scales[c]) for c in directory.currencies], np.int64)


def read_transfers(task: BucketTask, group: Group) -> tuple[Transfers, Ints]:
    """In the order of account, time and transfer_id within a date; and units with an amount that does not fit."""
    steps = _money_steps(task, group.directory)
    columns = ("ts", "account_id", "currency", "isolation", "amount")
    nothing = np.zeros(0, np.int64)
    parts: list[list[Any]] = [[nothing, nothing, np.zeros(0, group.width.amount), nothing]]
    in_group = pc.field("account_bucket").isin(group.buckets)
    for batch in task.event_batches("transfers", columns, ["account_id", "currency", "isolation"], in_group):
        units = group.units(batch, group.accounts(batch.column("account_id")))
        currencies = group.currencies(batch.column("currency"))
        words = decimal_words(batch.column("amount"))
        amounts, exact = whole_amounts(words, steps, currencies, group.width)
        mine = group.chosen(units)
        parts.append([column[mine] for column in (units, times_of(batch), amounts, exact)])
    units, times, amounts, exact = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Transfers(units, times, amounts), np.unique(units[exact == 0])


def ids_told(task: BucketTask) -> Sequence[str]:
    """Which ids of fills the rows of a replay have: they are long, and as much to read as all the rest.

    Both of a fill of kind adl and of a liquidator's; of a liquidation that of the fill, when its fee goes to the fund.
    """
    if task.adl_trades or task.reference.known.liquidators:
        return _IDS
    terms = [terms for _, terms in task.policy.items()]
    paid = any(t.execution == "recorded" and t.liquidation_fee_to == "fund" for t in terms)
    return _IDS[:1] if paid else ()


def fill_batches(task: BucketTask, group: Group, prices: Prices, told: Sequence[str]) -> Iterator[FillRows]:
    """Some at a time, in the order of account, time and fill_id within a date.

    `told`: which ids are read; others are null.
    """
    in_group = pc.field("account_bucket").isin(group.buckets)
    for batch in task.event_batches("fills", (*_FILLS, *told), _CODED, in_group, sparing=True):
        *read, exact = _fill_columns(task, group, prices, batch)
        mine = group.chosen(read[0])
        if not mine.any():
            continue
        named = _ids(batch, pa.array(mine & (read[6] != NORMAL)), told)
        if not mine.all():
            exact, read = exact[mine], [column[mine] for column in read]
        units, kinds = read[0], read[6]
        if task.adl_trades or task.taken_trades:
            kinds[kinds != NORMAL] = _with_counterparts(task, group.directory, read, named)
        yield FillRows(
            Fills(*read),
            np.flatnonzero(kinds != NORMAL),
            named.column("fill_id"),
            named.column("trade_id"),
            np.unique(units[exact == 0]),
        )


def together(batches: Iterable[FillRows], room: int, width: Width) -> FillRows:
    """All fills of some batches, at most so many, in the order of unit, time and fill_id within a date.

    Every column is there once: room for all of them is made first, and they are put into order one after the other.
    Room that is not used takes no memory.
    """
    types = {"fee": width.amount}
    columns = Fills(*(np.empty(room, types.get(name, np.int64)) for name in Fills._fields))
    ids = [pa.table({name: pa.array([], pa.string()) for name in _IDS})]
    refused = [np.zeros(0, np.int64)]
    at = 0
    for batch in batches:
        ids.append(pa.table([batch.fill_ids, batch.trade_ids], names=_IDS))
        refused.append(batch.refused)
        after = at + len(batch.fills.unit)
        for column, values in zip(columns, batch.fills, strict=True):
            column[at:after] = values
        at = after
    names = pa.concat_tables(ids)
    fills, named_rows, places = _by_unit(Fills(*(column[:at] for column in columns)))
    return FillRows(
        fills,
        named_rows,
        names.column("fill_id").take(places),
        names.column("trade_id").take(places),
        np.unique(np.concatenate(refused)),
    )


def _ids(batch: pa.RecordBatch, rows: pa.Array, told: Sequence[str]) -> pa.Table:
    """The ids of some rows."""
    none = pa.nulls(rows.true_count, pa.string())
    return pa.table({name: batch.column(name).filter(rows) if name in told else none for name in _IDS})


def _by_unit(fills: Fills) -> tuple[Fills, Ints, pa.Array]:
    """The same arrays in the order of units; rows of fills that are not normal, and which of their ids is whose."""
    named = np.flatnonzero(fills.kind != NORMAL)
    order = order_by(fills.unit)
    if order is None:
        return fills, named, pa.array(np.arange(len(named)))
    for column in fills:
        column[:] = column[order]
    moved = np.flatnonzero(fills.kind != NORMAL)
    return fills, moved, pa.array(np.searchsorted(named, order[moved]))


def _fill_columns(task: BucketTask, group: Group, prices: Prices, batch: pa.RecordBatch) -> list[Any]:
    """The columns of `Fills`, and whether all numbers of a row are on their grids."""
    directory, instruments = group.directory, group.instruments(batch.column("instrument_id"))
    currencies = directory.settlement[instruments]
    price, on_tick = _decimals(batch, "price", prices.price_steps, instruments)
    lots, on_lot = _decimals(batch, "quantity", prices.lot_steps, instruments)
    words = decimal_words(batch.column("fee"))
    fee, fits = whole_amounts(words, _money_steps(task, directory), currencies, group.width)
    bought = codes(batch.column("side"), pa.array(["buy"])) == 0
    isolated = batch.column("isolated").to_numpy(zero_copy_only=False)
    place = np.where(isolated, directory.isolated[instruments], directory.cross[currencies])
    units = group.accounts(batch.column("account_id")) * len(directory.places) + place
    kinds = _KINDS[codes(batch.column("kind"), pa.array(_KIND_NAMES))]
    # Of a liquidator's fills the ids are needed, and their kind means nothing: to the kernel it is normal.
    kinds[directory.accounts.rows["liquidator"][np.maximum(units, 0) // len(directory.places)] != 0] = (
        LIQUIDATION
    )
    exact = (on_tick & on_lot & fits).astype(np.int64)
    signed = np.where(bought, lots, -lots)
    return [units, times_of(batch), instruments, signed, price, fee, kinds, exact]


def times_of(batch: pa.RecordBatch) -> Ints:
    times: Ints = batch.column("ts").cast(pa.int64()).to_numpy()
    return times


def _decimals(batch: pa.RecordBatch, name: str, steps: Ints, which: Ints) -> tuple[Ints, np.ndarray]:
    return whole_numbers(decimal_words(batch.column(name)), steps, which)


def _with_counterparts(task: BucketTask, directory: Directory, read: Sequence[Any], named: pa.Table) -> Ints:
    """The kinds that are not normal, where somebody was deleveraged or a liquidator stood on the other side.

    `read`: the columns of `Fills`; `named`: the ids of those that are not normal.
    """
    fills = Fills(*read)
    odd = fills.kind != NORMAL
    times, instruments, kinds = fills.ts[odd], fills.instrument[odd], fills.kind[odd]
    liquidators = directory.accounts.rows["liquidator"][fills.unit[odd] // len(directory.places)] != 0
    met = {trade.trade_id for trades in (task.adl_trades, task.taken_trades) for trade, _ in trades}
    trades = pa.array(sorted(met), pa.string())
    possible = pc.is_in(named.column("trade_id"), trades).to_numpy() & (kinds == LIQUIDATION)
    for row in np.flatnonzero(possible).tolist():
        instrument_id = directory.instruments[int(instruments[row])]
        at = Trade(instrument_id, named.column("trade_id")[row].as_py()), int(times[row])
        if at in task.adl_trades:
            kinds[row] = LIQUIDATION_MET_BY_ADL
        elif at in task.taken_trades and not liquidators[row]:
            kinds[row] = LIQUIDATION_MET_BY_LIQUIDATOR
    return kinds
