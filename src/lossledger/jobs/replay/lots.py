"""Lots of a group's liquidators, and simulated ones: read, folded or unwound by the kernel (rules.md section 15)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.rules.lots import RECORDED
from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.prices import Prices, whole_amounts, whole_numbers
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.columns import Fills, Positions, Transfers
from lossledger.kernel.layout import LIQUIDATION_MET_BY_ADL, LOT, Ints, Rows
from lossledger.kernel.lots import Folded, fold_lots
from lossledger.kernel.words import NARROW, WIDE, integers
from lossledger.schemas.ledger import UNIT_LOTS
from lossledger.store.amount_arrays import decimal_words
from lossledger.store.buckets import account_buckets
from lossledger.store.staging import part_schema

ORIGIN = ("lot_id", "execution", "episode_id", "from_account_id", "from_isolation", "account_id", "isolation")
_NUMBERS = ("quantity", "opening_mark", "open_value", "open_fee")
_CODED = ("account_id", "currency", "isolation", "instrument_id")
_WHOLE = np.ones(1, np.int64)


class Lots(NamedTuple):
    """Lots as the kernel has them; a row knows its place in `origins`. `unread`: those that do not fit."""

    rows: Rows
    origins: pa.Table
    unread: pa.Table
    unfit: Ints  # the units of those

    def of_units(self, units: Ints) -> "Lots":
        """Those of some units; their places in `origins` stay."""
        mine = np.isin(self.rows["unit"], units)
        return self._replace(rows=self.rows[mine], unfit=self.unfit[np.isin(self.unfit, units)])


def read_lots(task: BucketTask, group: Group, prices: Prices, execution: str) -> Lots:
    """Open lots of the day before: recorded ones of the group's units, or simulated ones from its accounts."""
    parts = [no_lots(group)]
    columns = [column.name for column in UNIT_LOTS.columns if column.name != "business_date"]
    wanted = pc.field("execution") == execution
    for batch in task.state_batches("open_lots", columns, _CODED, group.buckets, wanted):
        units = _owners(group, batch, execution)
        parts.append(_read(group, prices, batch.filter(pa.array(units >= 0)), units[units >= 0]))
    rows, origins, unread, unfit = zip(*parts, strict=True)
    found = np.concatenate(rows)
    found["known"], found["fill"] = np.arange(len(found)), -1
    return Lots(found, pa.concat_tables(origins), pa.concat_tables(unread), np.unique(np.concatenate(unfit)))


def no_lots(group: Group) -> Lots:
    origins = pa.table({name: pa.array([], pa.string()) for name in ORIGIN})
    unread = part_schema(UNIT_LOTS).empty_table()
    return Lots(np.zeros(0, group.width.row(LOT)), origins, unread, np.zeros(0, np.int64))


def _owners(group: Group, batch: pa.RecordBatch, execution: str) -> Ints:
    """The units of recorded lots; of simulated ones, which have none, 0 where they came from the group's accounts."""
    if execution == RECORDED:
        units = group.units(batch, group.accounts(batch.column("account_id")))
        return np.where(group.chosen(units), units, -1)
    came_from = account_buckets(batch.column("from_account_id").cast(pa.string()))
    return np.where(np.isin(came_from, group.buckets), 0, -1)


def _read(group: Group, prices: Prices, batch: pa.RecordBatch, units: Ints) -> Lots:
    instruments = group.instruments(batch.column("instrument_id"))
    rows = np.zeros(batch.num_rows, group.width.row(LOT))
    rows["unit"], rows["instrument"] = units, instruments
    rows["opened_at"] = batch.column("opened_at").cast(pa.int64()).to_numpy()
    which = np.zeros(batch.num_rows, np.int64)
    words = [decimal_words(batch.column(name)) for name in _NUMBERS]
    rows["lots"], on_lot = whole_numbers(words[0], prices.lot_steps, instruments)
    rows["mark"], on_tick = whole_numbers(words[1], prices.price_steps, instruments)
    rows["value"], fits = whole_amounts(words[2], _WHOLE, which, group.width)
    rows["fee"], fee_fits = whole_amounts(words[3], _WHOLE, which, group.width)
    origins = pa.table({name: batch.column(name).cast(pa.string()) for name in ORIGIN})
    fit = on_lot & on_tick & fits & fee_fits
    unread = pa.Table.from_batches([batch]).filter(pa.array(~fit))
    schema = part_schema(UNIT_LOTS)
    return Lots(
        rows[fit], origins.filter(pa.array(fit)), unread.select(schema.names).cast(schema), units[~fit]
    )


class LotFold(NamedTuple):
    """What became of the lots of some liquidators over a stretch of time, and the fills that name new ones."""

    folded: Folded
    fills: FillRows
    origins: pa.Table

    def open_lots(self, group: Group) -> Lots:
        """The lots that are open, as the next stretch starts with them."""
        rows = self.folded.lots.copy()
        origins = self.origins_of(group, rows, "fill")
        rows["known"], rows["fill"] = np.arange(len(rows)), -1
        return no_lots(group)._replace(rows=rows, origins=origins)

    def origins_of(self, group: Group, rows: Rows, opened_by: str) -> pa.Table:
        """Where lots came from: of one that was opened here its fill and its unit, the rest is known later."""
        fills = rows[opened_by]
        here = fills >= 0
        keys = group.directory.key_columns(rows["unit"][here])
        count = int(here.sum())
        new = {
            "lot_id": self.fills.ids(fills[here], np.zeros(count, bool)),
            "execution": pa.repeat(pa.scalar(RECORDED, pa.string()), count),
            **{name: pa.nulls(count, pa.string()) for name in ORIGIN[2:5]},
            "account_id": keys["account_id"],
            "isolation": keys["isolation"],
        }
        both = pa.concat_tables([self.origins, pa.table(new)])
        place = np.where(here, len(self.origins) + np.cumsum(here) - 1, rows["known"])
        return both.take(pa.array(place)).combine_chunks()

    def settlement(self, group: Group) -> Transfers:
        """What the wallets of the units get from the fund for losses, and give it for gains and funding."""
        closings, funding = self.folded.closings, self.folded.funding
        if group.width == NARROW:
            amounts = np.concatenate([-closings["result"], -funding["amount"]])
        else:
            both = integers(closings["result"]) + integers(funding["amount"])
            amounts = group.width.column(-amount for amount in both)
        units = np.concatenate([closings["unit"], funding["unit"]])
        return Transfers(units, np.concatenate([closings["closed_at"], funding["ts"]]), amounts)


def fold_lots_of(
    group: Group, prices: Prices, fills: FillRows, held: Positions, opened: Lots, start: int, end: int
) -> LotFold:
    """The lots of the units of some liquidators, up to a time. `fills`, `held`: of these units among others."""
    liquidators = group.directory.accounts.rows["liquidator"] != 0
    places = len(group.directory.places)
    mine = np.flatnonzero(liquidators[fills.fills.unit // places])
    taken = Fills(*(column[mine] for column in fills.fills))
    theirs = liquidators[held.unit // places]
    positions = Positions(*(column[theirs] for column in held))
    by_adl = (taken.kind == LIQUIDATION_MET_BY_ADL).astype(np.int64)
    folded = fold_lots(prices.market, taken, by_adl, positions, opened.rows, start, end)
    for rows, name in ((folded.lots, "fill"), (folded.closings, "fill"), (folded.closings, "opened_by")):
        here = rows[name] >= 0
        rows[name][here] = mine[rows[name][here]]
    unfit = np.union1d(folded.unfit, opened.unfit)
    return LotFold(folded._replace(unfit=unfit), fills, opened.origins)


def added(transfers: Transfers, settled: Transfers) -> Transfers:
    """Both, in the order of time of each unit."""
    if not len(settled.unit):
        return transfers
    columns = [np.concatenate(pair) for pair in zip(transfers, settled, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return Transfers(*(column[order] for column in columns))


def settle_units(units: Rows, numbers: Ints, settled: Sequence[Transfers]) -> None:
    """What a unit's row calls transfers and was settled with the fund is told apart. `numbers`: of the rows' units."""
    totals: defaultdict[int, int] = defaultdict(int)
    for part in settled:
        for unit in np.unique(part.unit).tolist():
            totals[unit] += sum(integers(part.amount[part.unit == unit]))
    for k in np.flatnonzero(np.isin(numbers, list(totals))).tolist():
        amount = totals[int(numbers[k])]
        (transfers,) = integers(units["transfers"][k : k + 1])
        wide = units["transfers"].dtype == WIDE.amount
        for name, value in (("transfers", transfers - amount), ("fund_settlement", amount)):
            units[name][k] = WIDE.of(value) if wide else value
