"""From the reference's objects to the kernel's arrays."""

from collections.abc import Iterable, Sequence
from math import gcd

import numpy as np

from lossledger.engine.events import NO_TICKS, Account, Fill
from lossledger.engine.events import Market as Reference
from lossledger.engine.events import Transfer as DeliveredTransfer
from lossledger.engine.ids import order_key
from lossledger.engine.intake.policy import Policy
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel import layout
from lossledger.kernel.columns import Assembled, Fills, Positions, Snapshots, States, Transfers, assemble
from lossledger.kernel.layout import Ints, Market, Rows
from lossledger.kernel.market import MOST, UNFIT, Funding, Grid, Ticks, market_arrays
from lossledger.kernel.rows import Names, carried_columns
from lossledger.kernel.words import NARROW, Width

_KINDS = {"liquidation": layout.LIQUIDATION, "adl": layout.ADL}


def instruments_of(unit: UnitInput) -> set[str]:
    """What the unit holds or trades."""
    return {fill.instrument_id for fill in unit.fills} | {position[0] for position in unit.positions}


def grid_of(name: str, units: Sequence[UnitInput], market: Reference) -> Grid:
    """The coarsest grid on which all prices and quantities of an instrument stand."""
    series = market.ticks.get(name, NO_TICKS)
    prices = [*series.mark, *(p or 0 for p in series.bid), *(p or 0 for p in series.ask)]
    prices += [event.price_e18 for event in market.funding.get(name, [])]
    prices += [size for _, size in market.tick_sizes[name].items()]
    prices.append(market.opening_marks.get(name, 0))
    prices += [fill.price_e18 for unit in units for fill in unit.fills if fill.instrument_id == name]
    lots = [fill.quantity_e18 for unit in units for fill in unit.fills if fill.instrument_id == name]
    lots += [q for unit in units for i, q, _ in unit.positions if i == name]
    return Grid(gcd(*prices) or 1, gcd(*lots) or 1)


def _integers(values: Iterable[int]) -> Ints:
    """A column; what does not fit is UNFIT."""
    return np.array([v if abs(v) < MOST else UNFIT for v in values], np.int64)


def market_of(
    names: Sequence[str],
    market: Reference,
    grids: Sequence[Grid],
    policy: Policy,
    width: Width = NARROW,
) -> Market:
    """The market on the grids."""
    columns: list[list[int]] = [[], [], [], [], []]
    events: list[list[int]] = [[], [], [], []]
    for number, (name, grid) in enumerate(zip(names, grids, strict=True)):
        series = market.ticks.get(name, NO_TICKS)
        quotes = [[p // grid.price_e18 if p else 0 for p in side] for side in (series.bid, series.ask)]
        marks = [p // grid.price_e18 for p in series.mark]
        for column, values in zip(columns, ([number] * len(marks), series.ts, marks, *quotes), strict=True):
            column.extend(values)
        for event in market.funding.get(name, []):
            price = event.price_e18 // grid.price_e18 if abs(event.rate_e18) < MOST else UNFIT
            row = (number, event.ts, event.rate_e18, price)
            for column, value in zip(events, row, strict=True):
                column.append(value)
    ticks, funding = Ticks(*map(_integers, columns)), Funding(*map(_integers, events))
    return market_arrays(names, market, grids, ticks, funding, policy, width)


def bucket_of(
    given: Sequence[UnitInput],
    names: Sequence[str],
    grids: Sequence[Grid],
    start: int,
    instants: Sequence[int] = (),
    width: Width = NARROW,
) -> tuple[Assembled, Names]:
    """The units, each with its place in `given` as its number, and what all numbers stand for."""
    accounts, versions, classes = _accounts([unit.account for unit in given])
    place = {name: number for number, name in enumerate(names)}
    fills = [(k, f) for k, unit in enumerate(given) for f in sorted(unit.fills, key=_fill_order)]
    moves = [(k, t) for k, unit in enumerate(given) for t in sorted(unit.transfers, key=_transfer_order)]
    asked = [(k, ts) for k, unit in enumerate(given) for ts in sorted(set(unit.snapshots))]
    carried = {k: Episode.from_json(u.open_episode) for k, u in enumerate(given) if u.open_episode}
    states = States(
        np.arange(len(given)),
        width.column(u.wallet for u in given),
        width.column(u.debt for u in given),
        width.column(u.unrealised for u in given),
        width.column(u.charge for u in given),
        _integers(u.charge_at for u in given),
        np.zeros(len(given), np.int64),
        *carried_columns(np.arange(len(given)), carried),
    )
    refused = np.array([k for k, unit in enumerate(given) if not _fits(unit, place, grids, width)], np.int64)
    unit_of, times = _columns(2, ((k, t.ts) for k, t in moves))
    transfers = Transfers(unit_of, times, width.column(t.amount for _, t in moves))
    columns = (states, _positions(given, place, grids, width), transfers, _fills(fills, place, grids, width))
    snapshots = Snapshots(*_columns(2, asked))
    asked_of_all = np.array(instants, np.int64)
    assembled = assemble(start, accounts, versions, 1, *columns, snapshots, refused, asked_of_all)
    keys, named = [u.key for u in given], [f for _, f in fills]
    return assembled, Names(keys, names, grids, classes, named, carried)


def _kind(fill: Fill) -> int:
    if fill.kind == "liquidation" and fill.met_by_adl:
        return layout.LIQUIDATION_MET_BY_ADL
    return _KINDS.get(fill.kind, layout.NORMAL)


def _fill_order(fill: Fill) -> tuple[int, str]:
    return fill.ts, order_key(fill.fill_id)


def _transfer_order(transfer: DeliveredTransfer) -> tuple[int, str]:
    return transfer.ts, order_key(transfer.transfer_id)


def _columns(width: int, rows: Iterable[tuple[int, ...]]) -> list[Ints]:
    by_column: list[list[int]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(by_column, row, strict=True):
            column.append(value)
    return [_integers(column) for column in by_column]


def _positions(
    given: Sequence[UnitInput], place: dict[str, int], grids: Sequence[Grid], width: Width
) -> Positions:
    held = [(k, *position) for k, unit in enumerate(given) for position in sorted(unit.positions)]
    rows = ((k, place[i], quantity // grids[place[i]].lot_e18) for k, i, quantity, _ in held)
    units, instruments, lots = _columns(3, rows)
    return Positions(units, instruments, lots, width.column(entry for *_, entry in held))


def _fills(
    fills: Sequence[tuple[int, Fill]], place: dict[str, int], grids: Sequence[Grid], width: Width
) -> Fills:
    rows = (
        (
            k,
            f.ts,
            place[f.instrument_id],
            f.side * (f.quantity_e18 // grids[place[f.instrument_id]].lot_e18),
            f.price_e18 // grids[place[f.instrument_id]].price_e18,
            _kind(f),
        )
        for k, f in fills
    )
    units, times, instruments, lots, prices, kinds = _columns(6, rows)
    return Fills(units, times, instruments, lots, prices, width.column(f.fee for _, f in fills), kinds)


def _fits(unit: UnitInput, place: dict[str, int], grids: Sequence[Grid], width: Width) -> bool:
    """Whether all numbers of the unit can be told to the kernel; kernel/bounds.py looks at what becomes of them."""
    amounts = [unit.wallet, unit.debt, unit.unrealised, unit.charge, *(t.amount for t in unit.transfers)]
    amounts += [entry_value for *_, entry_value in unit.positions] + [f.fee for f in unit.fills]
    numbers = [quantity_e18 // grids[place[i]].lot_e18 for i, quantity_e18, _ in unit.positions]
    for f in unit.fills:
        grid = grids[place[f.instrument_id]]
        numbers += [f.quantity_e18 // grid.lot_e18, f.price_e18 // grid.price_e18]
    fit = all(abs(number) < MOST for number in numbers)
    return fit and all(abs(amount) < width.most for amount in amounts)


def _accounts(accounts: Sequence[Account]) -> tuple[Rows, Rows, list[str]]:
    """A row per account, their versions, and the names of the client classes."""
    classes = sorted({v.client_class for account in accounts for v in account.versions.values()})
    rows: list[tuple[int, ...]] = []
    versions: list[tuple[int, ...]] = []
    for account in accounts:
        first = len(versions)
        for valid_from, version in account.versions.items():
            versions.append((valid_from, version.protected, classes.index(version.client_class)))
        rows.append((account.is_house, first, len(versions)))
    return np.array(rows, layout.ACCOUNT), np.array(versions, layout.VERSION), classes
