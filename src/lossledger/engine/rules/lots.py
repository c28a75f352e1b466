"""Lots: positions that were taken over on the fund's account, closed first in, first out (rules.md section 15)."""

from collections.abc import Sequence

from lossledger.engine.events import Fill, UnitKey
from lossledger.engine.ids import order_key
from lossledger.engine.numbers import Ledger, round_half_even_div
from lossledger.engine.rows import OpenLot, Takeover
from lossledger.engine.rules.contracts import Contract

RECORDED, SIMULATED = "recorded", "simulated"
BY_MARKET, BY_ADL = "market", "adl"


def is_recorded(row: OpenLot | Takeover) -> bool:
    """Whether a lot, or a closed one, is a liquidator's, or one of a simulation, which has no unit and no wallet."""
    return (row.execution if isinstance(row, OpenLot) else row.lot_execution) == RECORDED


def lot_order(lot: OpenLot | Takeover) -> tuple[int, str, str, str, str]:
    """The order of opening: time, then fill_id; of simulated lots, account, isolation and instrument they came from."""
    if is_recorded(lot):
        return (lot.opened_at, order_key(lot.lot_id), "", "", "")
    return (lot.opened_at, "", lot.from_account_id or "", lot.from_isolation or "", lot.instrument_id)


def spread(amount: int, parts: Sequence[int]) -> list[int]:
    """An amount of a fill over its parts, in their order, by cumulated rounding: the shares sum to it.

    Part k gets round(A × c_k / n) − round(A × c_(k−1) / n), c_k the sum of the first k parts and n that of all.
    """
    whole = sum(parts)
    shares, reached, given = [], 0, 0
    for part in parts:
        reached += part
        upto = round_half_even_div(amount * reached, whole)
        shares.append(upto - given)
        given = upto
    return shares


def fill_lots(
    lots: Sequence[OpenLot], fill: Fill, value: int, mark_e18: int | None, key: UnitKey, contract: Contract
) -> tuple[list[OpenLot], list[Takeover]]:
    """The lots of a unit and instrument after a liquidator's fill, and what it closed of them.

    `value`: V of the whole fill; `mark_e18`: the mark in force at it.
    """
    left = fill.quantity_e18
    parts: list[int] = []
    for lot in lots if lots and lots[0].quantity_e18 * fill.side < 0 else ():
        part = min(abs(lot.quantity_e18), left)
        if not part:
            break
        parts.append(part)
        left -= part
    closing = len(parts)
    parts += [left] if left else []
    values, fees = spread(value, parts), spread(fill.fee, parts)
    by = BY_ADL if fill.met_by_adl else BY_MARKET
    rest: OpenLot | None = None
    takeovers = []
    for lot, part, part_value, part_fee in zip(lots, parts[:closing], values, fees, strict=False):
        at = (fill.ts, fill.fill_id, by)
        rest, closed = close_lot(lot, part, contract, at, part_value, part_fee, mark_e18)
        takeovers.append(closed)
    open_lots = [rest, *lots[closing:]] if rest else list(lots[closing:])
    if left:
        opened = OpenLot(
            fill.fill_id,
            RECORDED,
            *(None, None, None),  # which unit it came from is known when all units have been replayed
            *key,
            fill.instrument_id,
            quantity_e18=fill.side * left,
            opened_at=fill.ts,
            open_value=Ledger(values[-1]),
            open_fee=Ledger(fees[-1]),
            opening_mark_e18=mark_e18,
        )
        open_lots.append(opened)
    return open_lots, takeovers


def close_lot(
    lot: OpenLot,
    part_e18: int,
    contract: Contract,
    closed: tuple[int, str | None, str],
    close_value: int,
    fee: int,
    mark_e18: int | None,
) -> tuple[OpenLot | None, Takeover]:
    """What is left of a lot when `part_e18` > 0 of it is closed, and the closing.

    `closed`: when, by which fill, and closed_by; `fee`: the part of the closing fill's fee; `mark_e18`: the mark then.
    """
    size = abs(lot.quantity_e18)
    side = 1 if lot.quantity_e18 > 0 else -1
    value_out, fee_out = (
        amount if part_e18 == size else round_half_even_div(amount * part_e18, size)
        for amount in (lot.open_value, lot.open_fee)
    )
    fees = fee + fee_out
    result = contract.pnl_units(side, close_value, value_out) - fees
    causes: tuple[Ledger | None, ...] = (None, None, None)
    if lot.opening_mark_e18 is not None and mark_e18 is not None:
        opened, moved = (contract.value_units(part_e18, mark) for mark in (lot.opening_mark_e18, mark_e18))
        steps = ((opened, value_out), (moved, opened), (close_value, moved))
        causes = tuple(Ledger(contract.pnl_units(side, after, before)) for after, before in steps)
    amounts = (Ledger(value_out), Ledger(close_value), Ledger(fees), Ledger(result))
    # lot_id, execution, where it came from, the liquidator's unit and the instrument are the lot's first columns
    takeover = Takeover(*lot[:9], side * part_e18, lot.opened_at, *closed, *amounts, *causes)
    if part_e18 == size:
        return None, takeover
    rest = lot._replace(
        quantity_e18=lot.quantity_e18 - side * part_e18,
        open_value=Ledger(lot.open_value - value_out),
        open_fee=Ledger(lot.open_fee - fee_out),
    )
    return rest, takeover
