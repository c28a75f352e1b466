"""The kernel's rows as the reference says them: names instead of numbers, decimals instead of grids."""

from bisect import bisect_left
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from operator import add
from typing import Any

import numpy as np

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill, UnitKey
from lossledger.engine.ids import stable_id
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import (
    AdlLoss,
    FundingTotal,
    FundMovement,
    NegativeBalance,
    OpenLot,
    SessionRows,
    Snapshot,
    UnitPosition,
    UnitSession,
)
from lossledger.engine.rules.episode import (
    FLAT,
    MARGIN,
    RECORDED_FILL,
    RECOVERED,
    SELF_CLOSED,
    Episode,
    Held,
    Liquidated,
)
from lossledger.engine.rules.lots import SIMULATED
from lossledger.kernel import layout
from lossledger.kernel.layout import Ints, Rows
from lossledger.kernel.market import Grid
from lossledger.kernel.session import Replayed
from lossledger.kernel.words import WORDS, integers

END_REASONS = {layout.FLAT: FLAT, layout.SELF_CLOSED: SELF_CLOSED, layout.RECOVERED: RECOVERED}
TRIGGERS = {layout.MARGIN: MARGIN, layout.RECORDED_FILL: RECORDED_FILL}
EXECUTIONS = ("recorded", "simulated")
COMPONENTS = (
    *("latency", "market_move", "execution", "adl", "takeover", "fees", "funding", "account_trading"),
    *("cushion", "headroom", "gap_in_cushion", "gap_past_bankruptcy", "other_flows"),
)
CAUSES = ("liquidation", "trading", "transfer")
MOVEMENTS = ("liquidation_fee", "surplus")


@dataclass
class Names:
    """What the numbers stand for; instruments in the order of their ids. Units and fills: those that are asked for.

    `carried`: by unit, the episode that was open when the session began.
    """

    units: Sequence[UnitKey] | Mapping[int, UnitKey]
    instruments: Sequence[str]
    grids: Sequence[Grid]
    client_classes: Sequence[str]
    fills: Sequence[Fill] | Mapping[int, Fill]
    carried: Mapping[int, Episode]
    liquidators: Sequence[str] = ()  # by terms of the policy, the account of its simulated lots

    def quantity(self, instrument: int, lots: int) -> int:
        """A quantity in 10^-18."""
        return lots * self.grids[instrument].lot_e18

    def price(self, instrument: int, price: int) -> int | None:
        """A mark in 10^-18, None before the first tick."""
        return price * self.grids[instrument].price_e18 if price else None

    def number(self, fill: Fill) -> int:
        """The number of a fill's instrument."""
        return bisect_left(self.instruments, fill.instrument_id)


def session_rows(replayed: Replayed, names: Names) -> SessionRows:
    """All rows; a few Python steps each, so for tests, small days and the few rows of liquidations."""
    episodes = _episodes(replayed, names)
    fills, quantity, price = names.fills, names.quantity, names.price
    rows = SessionRows()
    still_open: dict[int, str] = {}
    starts: list[dict[str, int | None]] = [{} for _ in episodes]
    for row in named(replayed.episode_positions):
        starts[row.episode][names.instruments[row.instrument]] = price(row.instrument, row.mark)
    for n in np.flatnonzero(replayed.episodes["carried"]).tolist():
        starts[n] = dict(episodes[n].marks)
    ids: list[str] = []
    for row, episode in zip(named(replayed.episodes), episodes, strict=True):
        key = names.units[row.unit]
        ids.append(episode.episode_id(key))
        if row.end_reason == layout.OPEN:
            still_open[row.unit] = episode.to_json()
            continue
        reason = END_REASONS[row.end_reason]
        rows.episodes.append(episode.ended(key, row.ended_at, reason, row.terminal_equity, row.surplus))
        rows.components.extend(episode.components(key))
        rows.liquidation_positions.extend(episode.positions(key, starts[len(ids) - 1].get))
    for row in named(replayed.units):
        key = names.units[row.unit]
        rows.unit_sessions.append(
            UnitSession._make((*key, bool(row.active), *row[2:], still_open.get(row.unit)))
        )
    for row in named(replayed.positions):
        held = (names.instruments[row.instrument], quantity(row.instrument, row.lots), row.entry_value)
        rows.unit_positions.append(
            UnitPosition._make((*names.units[row.unit], *held, price(row.instrument, row.mark)))
        )
    for row in named(replayed.deficits):
        rows.negative_balances.append(_deficit(row, episodes, ids, names))
    for row in named(replayed.movements):
        rows.fund_movements.append(_movement(row, ids, names))
    for row in named(replayed.adl_losses):
        fill, key, number = fills[row.fill], names.units[row.unit], names.number(fills[row.fill])
        place = (fill.fill_id, fill.trade_id, fill.ts, *key, fill.instrument_id)
        terms = (fill.side, fill.price_e18, fill.quantity_e18)
        rows.adl_losses.append(AdlLoss._make((*place, *terms, price(number, row.mark), row.amount)))
    for row in named(replayed.funding):
        instrument_id, currency = names.instruments[row.instrument], names.units[row.unit].currency
        rows.funding_totals.append(FundingTotal(instrument_id, currency, row.amount, row.events))
    for row in named(replayed.snapshots):
        rows.snapshots.append(_snapshot(row, names))
    rows.lots = [_lot(row, ids, names) for row in named(replayed.taken)]
    return rows


def carried_columns(units: Ints, episodes: Mapping[int, Episode]) -> tuple[Ints, ...]:
    """Episodes that are open at the start, as the kernel takes them: `States.carried` and the columns after it."""
    shape = (5, len(units))
    carried, triggered_at, first_execution_at, steps, last_step_at = np.zeros(shape, np.int64)
    first_execution_at[:] = last_step_at[:] = layout.NONE
    numbers = np.array(sorted(episodes), np.int64)
    for at, number in zip(np.searchsorted(units, numbers).tolist(), numbers.tolist(), strict=True):
        episode = episodes[number]
        carried[at], triggered_at[at] = 1, episode.triggered_at
        if episode.first_execution_at is not None:
            first_execution_at[at] = episode.first_execution_at
        if episode.steps:
            steps[at], last_step_at[at] = episode.steps, episode.last_step_at
    return carried, triggered_at, first_execution_at, steps, last_step_at


def named(rows: Rows) -> Iterator[Any]:
    """The rows of a structured array as named tuples of Python integers."""
    make: Any = namedtuple  # of columns that are known when it runs
    names = rows.dtype.names or ()
    row_type = make("row_type", names)
    if not any(rows.dtype[name] == WORDS for name in names):
        return map(row_type._make, rows.tolist())
    return map(row_type._make, zip(*(integers(rows[name]) for name in names), strict=True))


def _episodes(replayed: Replayed, names: Names) -> list[Episode]:
    """The reference's episodes, as they stood at their end; what a session adds to one that was carried into it."""
    episodes = []
    for row in named(replayed.episodes):
        first = None if row.first_execution_at == layout.NONE else row.first_execution_at
        if row.carried:
            episode = deepcopy(names.carried[row.unit])
            episode.first_execution_at = first
            episode.liquidation_fees += row.liquidation_fees
        else:
            began = (row.triggered_at, TRIGGERS[row.trigger], EXECUTIONS[row.simulated])
            episode = Episode(*began, row.equity, row.margin, first, row.liquidation_fees)
        if row.steps:
            episode.steps, episode.last_step_at = row.steps, row.last_step_at
        episodes.append(episode)
    for row in named(replayed.components):
        instrument_id = names.instruments[row.instrument] if row.instrument >= 0 else ""
        episodes[row.episode].add(COMPONENTS[row.component], instrument_id, row.amount)
    for row in named(replayed.episode_positions):
        episode, instrument_id = episodes[row.episode], names.instruments[row.instrument]
        mark = names.price(row.instrument, row.mark)
        if row.held_at_start:
            held = (names.quantity(row.instrument, row.lots), row.entry_value, row.margin, mark)
            episode.held[instrument_id] = Held(*held)
        if row.liquidation_fills:
            net, filled = (names.quantity(row.instrument, lots) for lots in (row.liquidated, row.filled))
            closed = (row.liquidation_fills, net, filled, row.filled_value)
            before = episode.liquidated.get(instrument_id, Liquidated())
            episode.liquidated[instrument_id] = Liquidated(*map(add, before, closed))
    return episodes


def _deficit(row: Any, episodes: list[Episode], ids: list[str], names: Names) -> NegativeBalance:
    key = names.units[row.unit]
    episode_id = ids[row.episode] if row.episode >= 0 else None
    liquidated = episodes[row.episode].liquidated_json() if row.episode >= 0 else "{}"
    event = (stable_id("nb", *key, iso(row.ts)), row.ts, *key, names.client_classes[row.client_class])
    covered = (CAUSES[row.cause], episode_id, bool(row.protected))
    return NegativeBalance._make((*event, *covered, row.session_transfers, row.deficit, liquidated, None, 0))


def _movement(row: Any, ids: list[str], names: Names) -> FundMovement:
    key, kind = names.units[row.unit], MOVEMENTS[row.kind]
    if row.kind == layout.SURPLUS:
        return FundMovement._make((row.ts, kind, *key, "", "", row.amount, ids[row.episode], 0))
    instrument_id = names.instruments[row.instrument]
    fill_id = names.fills[row.fill].fill_id if row.fill >= 0 else ""
    ref = fill_id or f"{iso(row.ts)} {instrument_id}"
    return FundMovement._make((row.ts, kind, *key, instrument_id, fill_id, row.amount, ref, 0))


def _lot(row: Any, ids: list[str], names: Names) -> OpenLot:
    """A position that was taken over from a unit, as a lot."""
    key, instrument_id = names.units[row.unit], names.instruments[row.instrument]
    lot_id = stable_id("lot", *key, instrument_id, iso(row.ts))
    origin = (ids[row.episode], key.account_id, key.isolation)
    where = (names.liquidators[row.terms], key.currency, "", instrument_id)
    quantity_e18, mark_e18 = names.quantity(row.instrument, row.lots), names.price(row.instrument, row.mark)
    value = Ledger(row.value)
    return OpenLot(lot_id, SIMULATED, *origin, *where, quantity_e18, row.ts, value, Ledger(0), mark_e18)


def _snapshot(row: Any, names: Names) -> Snapshot:
    unit = (row.ts, *names.units[row.unit], row.wallet, row.equity)
    if row.instrument < 0:
        return Snapshot._make((*unit, None, 0, 0, 0, 0, None))
    lots = (names.instruments[row.instrument], names.quantity(row.instrument, row.lots))
    worth = (row.entry_value, row.value, row.unrealised)
    return Snapshot._make((*unit, *lots, *worth, names.price(row.instrument, row.mark)))
