"""The market of a session as the kernel takes it: read once by a task, as columns."""

from collections.abc import Iterator
from math import gcd
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.numbers import E18
from lossledger.jobs.replay.directory import Directory
from lossledger.jobs.replay.names import codes
from lossledger.jobs.replay.source import BucketTask
from lossledger.kernel.columns import coarsen, on_grid, words_on_grid
from lossledger.kernel.layout import Amounts, Ints, Market
from lossledger.kernel.market import UNFIT, Funding, Grid, Ticks, market_arrays
from lossledger.kernel.words import NARROW, Width
from lossledger.schemas.ledger import MARKS
from lossledger.store.amount_arrays import decimal_words
from lossledger.store.arrow import to_rows

_QUOTES = ("mark_price", "bid", "ask")
_WHOLE = np.ones(1, np.int64)


class Columns(NamedTuple):
    """Rows in the order of instrument and time; of each decimal its words."""

    instrument: Ints
    ts: Ints
    decimals: list[Ints]


class Prices(NamedTuple):
    """`lot_steps`, `price_steps`: the grids of all instruments by number; `opening`: marks of the day before."""

    market: Market
    grids: list[Grid]
    price_steps: Ints
    lot_steps: Ints
    ticks: Columns
    opening: dict[str, int]

    def marks_before(self, ts: int, directory: Directory) -> dict[str, int]:
        """The mark in force just before ts of every instrument that has one, in 10^-18."""
        found = dict(self.opening)
        words = self.ticks.decimals[0]
        for number, name in enumerate(directory.instruments):
            first, after = np.searchsorted(self.ticks.instrument, [number, number + 1])
            last = first + np.searchsorted(self.ticks.ts[first:after], ts) - 1
            if last >= first:
                found[name] = int.from_bytes(words[2 * last : 2 * last + 2].tobytes(), "little", signed=True)
        return found


def read_prices(task: BucketTask, directory: Directory, width: Width = NARROW) -> Prices:
    """Ticks, funding and opening marks of all instruments, on grids that come from their tick and lot sizes.

    `width`: of the amounts of the kernel's market. The grids of the wider one also fit fills that were no orders,
    which need not be on the order book's grid: their units are refused on the first pass and replayed on this one.
    """
    ticks = _read(task, directory, "ticks", _QUOTES)
    funding = _read(task, directory, "funding", ("price", "rate"))
    reference = task.reference.market()
    reference.opening_marks = {i: mark for _, i, mark in to_rows(MARKS, task.state("marks"))}
    grids = _grids(task, directory, ticks, funding, reference.opening_marks)
    if width != NARROW:
        grids = _with_off_grid_rows(task, directory, grids)
    steps, lots = (np.array([grid[k] for grid in grids], np.int64) for k in (0, 1))
    marks, bid, ask = (_on_grid(words, steps, ticks.instrument) for words in ticks.decimals)
    rate, fits = whole_numbers(funding.decimals[1], _WHOLE, np.zeros(len(funding.ts), np.int64))
    price = np.where(fits, _on_grid(funding.decimals[0], steps, funding.instrument), UNFIT)
    market = market_arrays(
        directory.instruments,
        reference,
        grids,
        Ticks(ticks.instrument, ticks.ts, marks, bid, ask),
        Funding(funding.instrument, funding.ts, rate, price),
        task.policy,
        width,
    )
    return Prices(market, grids, steps, lots, ticks, reference.opening_marks)


def _on_grid(words: Ints, steps: Ints, which: Ints) -> Ints:
    """Prices on their grids; 0 where there is none."""
    numbers, exact = whole_numbers(words, steps, which)
    return np.where(exact, numbers, UNFIT)


def whole_numbers(words: Ints, divisors: Ints, which: Ints) -> tuple[Ints, "np.ndarray"]:
    """Decimals as multiples of divisors[which], and whether each is one below 2^62."""
    numbers, exact = np.zeros(len(which), np.int64), np.zeros(len(which), np.int64)
    on_grid(words, divisors, which, numbers, exact)
    return numbers, exact == 1


def whole_amounts(words: Ints, divisors: Ints, which: Ints, width: Width) -> tuple[Amounts, "np.ndarray"]:
    """The same as amounts of a width, and whether each is a multiple that it holds."""
    if width == NARROW:
        return whole_numbers(words, divisors, which)
    numbers, exact = np.zeros(len(which), width.amount), np.zeros(len(which), np.int64)
    words_on_grid(words, divisors, which, numbers, exact)
    return numbers, exact == 1


def _read(task: BucketTask, directory: Directory, name: str, decimals: tuple[str, ...]) -> Columns:
    names = pa.array(directory.instruments, pa.string())
    parts = list(_parts(task, name, decimals, names))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    if not columns:
        columns = [np.zeros(0, np.int64)] * (2 + len(decimals))
    order = np.lexsort((columns[1], columns[0]))
    words = [column.reshape(-1, 2)[order].reshape(-1) for column in columns[2:]]
    return Columns(columns[0][order], columns[1][order], words)


def _parts(task: BucketTask, name: str, decimals: tuple[str, ...], names: pa.Array) -> Iterator[list[Ints]]:
    for batch in task.event_batches(name, ("instrument_id", "ts", *decimals), ["instrument_id"]):
        times = batch.column("ts").cast(pa.int64()).to_numpy()
        words = [decimal_words(batch.column(column)) for column in decimals]
        yield [codes(batch.column("instrument_id"), names), times, *words]


def _grids(
    task: BucketTask, directory: Directory, ticks: Columns, funding: Columns, opening: dict[str, int]
) -> list[Grid]:
    """Prices: a power of ten that all prices of the market are multiples of. Lots: what all lot sizes are."""
    versions = [task.reference.known.instruments[i].values() for i in directory.instruments]
    powers = np.array([_power(gcd(*(v.tick_size_e18 for v in vs))) for vs in versions], np.int64)
    for words in ticks.decimals:
        coarsen(words, ticks.instrument, powers)
    coarsen(funding.decimals[0], funding.instrument, powers)
    for number, name in enumerate(directory.instruments):
        if name in opening:
            powers[number] = min(powers[number], _power(opening[name]))
    lots = [gcd(E18, *(v.lot_size_e18 for v in vs)) for vs in versions]
    return [Grid(10 ** int(power), lot) for power, lot in zip(powers, lots, strict=True)]


def _with_off_grid_rows(task: BucketTask, directory: Directory, grids: list[Grid]) -> list[Grid]:
    """The grids made fine enough for settlements, liquidations and deleveragings, and for what they left open."""
    names = pa.array(directory.instruments, pa.string())
    prices, lots = (np.array([_power(grid[k]) for grid in grids], np.int64) for k in (0, 1))
    no_order = pc.field("kind") != "normal"
    if liquidators := sorted(task.reference.known.liquidators):
        no_order |= pc.field("account_id").isin(pa.array(liquidators, pa.string()))
    columns = ("instrument_id", "price", "quantity")
    for batch in task.event_batches("fills", columns, ["instrument_id"], no_order):
        which = codes(batch.column("instrument_id"), names)
        coarsen(decimal_words(batch.column("price")), which, prices)
        coarsen(decimal_words(batch.column("quantity")), which, lots)
    for batch in task.state_batches("unit_positions", columns[::2], ["instrument_id"], task.buckets):
        which = codes(batch.column("instrument_id"), names)
        coarsen(decimal_words(pc.abs(batch.column("quantity"))), which, lots)
    return [
        Grid(10 ** int(price), gcd(grid.lot_e18, 10 ** int(lot)))
        for grid, price, lot in zip(grids, prices, lots, strict=True)
    ]


def _power(number_e18: int) -> int:
    """The largest power of ten, at most 18, that divides a number."""
    return max(power for power in range(19) if number_e18 % 10**power == 0)
