"""The lots of an account in a session: those it starts with, where they came from, and their closings (section 15).

A client's liquidation is another account's session. So of a recorded lot the episode is read as published, and of a
lot that a simulation opened in the session its quantity and value are; the client's own explanation recomputes them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Account, Market, Trade, UnitKey
from lossledger.engine.ids import order_key
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import Ledger, e18_to_units
from lossledger.engine.rows import OpenLot, SessionRows, Takeover
from lossledger.engine.rules.lot_results import settle_results
from lossledger.engine.rules.lots import SIMULATED, is_recorded, lot_order
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.rules.unwinding import unwind
from lossledger.readers.published_rows import Row
from lossledger.schemas.ledger import OPEN_LOTS, TYPED
from lossledger.store.arrow import to_objects, to_rows
from lossledger.store.session_inputs import SessionInputs

_Row = TypeVar("_Row", OpenLot, Takeover)
_LIQUIDATED = ("fill_id", "trade_id", "ts", "account_id", "instrument_id", "isolated")


@dataclass(frozen=True)
class SessionLots:
    """What a liquidator's session needs to know of others: its simulated lots, and origins of the recorded ones.

    `simulated`: lots that no unit holds, open at the start or opened in the session. `origins`: per fill the unit of
    the client that it took over from. `episodes`: per lot the published episode.
    """

    simulated: Sequence[OpenLot] = ()
    origins: Mapping[str, UnitKey] | None = None
    episodes: Mapping[str, str | None] | None = None

    def settle(self, rows: SessionRows, market: Market, policy: Policy, account: Account) -> None:
        """Name the origins, close the simulated lots that are due, and book every result with the fund."""
        held = [self._named(lot) for lot in rows.lots]
        still_open, closed = unwind(self.simulated, market, policy)
        rows.lots = sorted([*held, *still_open], key=lot_order)
        rows.takeovers = [*(self._named(takeover) for takeover in rows.takeovers), *closed]
        settle_results(rows, {account.account_id: account})

    def _named(self, row: _Row) -> _Row:
        key = (self.origins or {}).get(row.lot_id)
        if key is None or not is_recorded(row):
            return row
        episode_id = (self.episodes or {}).get(row.lot_id)
        return row._replace(
            episode_id=episode_id, from_account_id=key.account_id, from_isolation=key.isolation
        )


def simulated_before(inputs: SessionInputs, account_id: str) -> list[OpenLot]:
    """The account's simulated lots that were open when the session began."""
    before = inputs.state("open_lots", pc.field("account_id") == account_id)
    lots = to_objects(OPEN_LOTS, before, OpenLot)
    return sorted(
        (lot for lot in lots if not is_recorded(lot) and lot.account_id == account_id), key=lot_order
    )


def simulated_since(
    closings: Sequence[Row], still_open: Sequence[OpenLot], known: Collection[str], scales: Mapping[str, int]
) -> list[OpenLot]:
    """Simulated lots that others' liquidations opened in the session, from published closings and open lots.

    `known`: lots that were open before. A simulated lot is closed in full and by no fill. Its opening mark is not
    published where it has been closed: it is to be filled in.
    """
    opened = list(still_open)
    for row in closings:
        if row["close_fill_id"] is None:
            scale = scales[row["currency"]]
            lot = OpenLot(
                row["lot_id"],
                SIMULATED,
                *(row["episode_id"], row["from_account_id"], row["from_isolation"]),
                *(row["account_id"], row["currency"], row["isolation"], row["instrument_id"]),
                quantity_e18=row["quantity"],
                opened_at=row["opened_at"],
                open_value=Ledger(e18_to_units(row["open_value"], scale)),
                open_fee=Ledger(0),
                opening_mark_e18=None,
            )
            opened.append(lot)
    return [lot for lot in opened if not is_recorded(lot) and lot.lot_id not in known]


def with_opening_marks(lots: Sequence[OpenLot], market: Market, start: int) -> list[OpenLot]:
    """Simulated lots, those of the session with the mark in force after the ticks of their opening."""
    return [
        lot._replace(opening_mark_e18=market.mark_before(lot.instrument_id, lot.opened_at + 1))
        if lot.opened_at >= start
        else lot
        for lot in lots
    ]


def origins_of_fills(
    inputs: SessionInputs, units: Sequence[UnitInput], others: Collection[str]
) -> dict[str, UnitKey]:
    """Per fill of a liquidator the client's unit whose liquidation fill has its trade and time, if there is one.

    `others`: accounts that are no clients. Of several such fills the smallest fill_id holds.
    """
    mine = {f.fill_id: (Trade(f.instrument_id, f.trade_id), f.ts) for unit in units for f in unit.fills}
    trades = pa.array(sorted({trade.trade_id for trade, _ in mine.values()}), pa.string())
    wanted = (pc.field("kind") == "liquidation") & pc.field("trade_id").isin(trades)
    wanted &= ~pc.field("account_id").isin(pa.array(sorted(others), pa.string()))
    contracts = inputs.reference.contracts
    found: dict[tuple[Trade, int], UnitKey] = {}
    rows = to_rows(TYPED["fills"], inputs.events("fills", wanted), _LIQUIDATED)
    for _, trade_id, ts, account_id, instrument_id, isolated in sorted(rows, key=lambda r: order_key(r[0])):
        key = UnitKey(account_id, contracts[instrument_id].currency, instrument_id if isolated else "")
        found.setdefault((Trade(instrument_id, trade_id), ts), key)
    return {fill_id: found[at] for fill_id, at in mine.items() if at in found}
