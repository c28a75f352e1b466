"""Lots of the kernel as the reference has them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill, Transfer
from lossledger.engine.ids import order_key
from lossledger.engine.rows import FundMovement, OpenLot, SessionRows, Takeover
from lossledger.engine.rules.lots import BY_ADL, BY_MARKET, RECORDED
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.columns import Fills, Positions
from lossledger.kernel.layout import LOT, NEVER, Market
from lossledger.kernel.lots import fold_lots
from lossledger.kernel.market import Grid
from lossledger.kernel.rows import named
from lossledger.kernel.words import Width
from tests.kernel.from_objects import fits

Fold = tuple[SessionRows, dict[int, list[Transfer]], set[int]]


def lots_of(
    units: Mapping[int, UnitInput],
    names: Sequence[str],
    grids: Sequence[Grid],
    market: Market,
    start: int,
    width: Width,
) -> Fold:
    """Rows of liquidators' lots, what settles them as transfers by unit, and the units whose lots do not fit."""
    place = {name: number for number, name in enumerate(names)}
    unfit = {k for k, unit in units.items() if not fits(unit, place, grids, width)}
    units = {k: unit for k, unit in units.items() if k not in unfit}
    fills = [
        (k, f)
        for k, unit in units.items()
        for f in sorted(unit.fills, key=lambda f: (f.ts, order_key(f.fill_id)))
    ]
    columns = [
        [k for k, _ in fills],
        [f.ts for _, f in fills],
        [place[f.instrument_id] for _, f in fills],
        [f.side * (f.quantity_e18 // grids[place[f.instrument_id]].lot_e18) for _, f in fills],
        [f.price_e18 // grids[place[f.instrument_id]].price_e18 for _, f in fills],
    ]
    by_adl = np.array([f.met_by_adl for _, f in fills], np.int64)
    arrays = [np.array(column, np.int64) for column in columns]
    taken = Fills(*arrays, width.column(f.fee for _, f in fills), np.zeros(len(fills), np.int64))
    known = [lot for unit in units.values() for lot in unit.lots]
    owner = [k for k, unit in units.items() for _ in unit.lots]
    opened = np.zeros(len(known), width.row(LOT))
    for n, (k, lot) in enumerate(zip(owner, known, strict=True)):
        grid, row = grids[place[lot.instrument_id]], opened[n]
        row["unit"], row["instrument"], row["lots"] = (
            k,
            place[lot.instrument_id],
            lot.quantity_e18 // grid.lot_e18,
        )
        row["opened_at"], row["mark"] = lot.opened_at, (lot.opening_mark_e18 or 0) // grid.price_e18
        row["value"], row["fee"] = width.of(lot.open_value), width.of(lot.open_fee)
        row["fill"], row["known"] = -1, n
    held = _positions(
        [(k, *position) for k, unit in units.items() for position in unit.positions], place, grids, width
    )
    folded = fold_lots(market, taken, by_adl, held, opened, start, NEVER)
    rows, settled = SessionRows(), dict[int, list[Transfer]]()
    for row in named(folded.lots):
        rows.lots.append(_open_lot(row, units, names, grids, fills, known))
    for row in named(folded.closings):
        rows.takeovers.append(_closing(row, units, names, grids, fills, known))
        settled.setdefault(row.unit, []).append(Transfer(row.closed_at, "", -row.result))
    for row in named(folded.funding):
        key, ref = units[row.unit].key, f"{iso(row.ts)} {names[row.instrument]}"
        movement = FundMovement(row.ts, "takeover_funding", *key, names[row.instrument], "", row.amount, ref)
        rows.fund_movements.append(movement)
        settled.setdefault(row.unit, []).append(Transfer(row.ts, "", -row.amount))
    return rows, settled, unfit | set(folded.unfit.tolist())


def _positions(
    held: Sequence[tuple[int, str, int, int]], place: Mapping[str, int], grids: Sequence[Grid], width: Width
) -> Positions:
    rows = [(k, place[i], quantity // grids[place[i]].lot_e18) for k, i, quantity, _ in held]
    columns = (np.array([row[n] for row in rows], np.int64) for n in range(3))
    return Positions(*columns, width.column(entry for *_, entry in held))


def _by_time(fill: Fill) -> tuple[int, str]:
    return fill.ts, order_key(fill.fill_id)


def _origin(
    row: Any, fill: int, units: Any, names: Any, fills: Any, known: Sequence[OpenLot]
) -> tuple[Any, ...]:
    if fill < 0:
        return known[row.known][:9]
    return (fills[fill][1].fill_id, RECORDED, None, None, None, *units[row.unit].key, names[row.instrument])


def _open_lot(row: Any, units: Any, names: Any, grids: Any, fills: Any, known: Any) -> OpenLot:
    grid = grids[row.instrument]
    mark = row.mark * grid.price_e18 or None
    terms = (row.lots * grid.lot_e18, row.opened_at, row.value, row.fee, mark)
    return OpenLot(*_origin(row, row.fill, units, names, fills, known), *terms)


def _closing(row: Any, units: Any, names: Any, grids: Any, fills: Any, known: Any) -> Takeover:
    closed = (row.closed_at, fills[row.fill][1].fill_id, BY_ADL if row.by_adl else BY_MARKET)
    amounts = (row.open_value, row.close_value, row.fees, row.result)
    causes = (
        (row.at_takeover, row.market_move, row.execution) if row.opening_mark and row.mark else (None,) * 3
    )
    origin = _origin(row, row.opened_by, units, names, fills, known)
    return Takeover(
        *origin, row.lots * grids[row.instrument].lot_e18, row.opened_at, *closed, *amounts, *causes
    )
