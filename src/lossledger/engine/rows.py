"""What the replay of a session says: one NamedTuple a row, integers throughout.

Amounts are ledger units of the row's currency; `_e18` are decimals in 10^-18; times are microseconds UTC.
`jobs/` stores these rows; a compiled kernel would deliver the same ones.
"""

from dataclasses import dataclass, field, fields
from typing import NamedTuple

from lossledger.engine.numbers import Ledger


class UnitSession(NamedTuple):
    """A risk unit over one session: the roll-forward of its wallet and of its debt, and what it is worth.

    `fund_settlement`: of a liquidator's unit, what it got from the fund for losses of lots, less what it gave.
    `open_episode` is the state of a liquidation that is open at the end (JSON text), else None.
    """

    account_id: str
    currency: str
    isolation: str
    active: bool
    opening_wallet: Ledger
    transfers: Ledger
    realised_pnl: Ledger
    fees: Ledger
    funding: Ledger
    negative_balance_reset: Ledger
    surplus_forfeited: Ledger
    socialised_charge: Ledger
    fund_settlement: Ledger
    closing_wallet: Ledger
    opening_unrealised: Ledger
    closing_unrealised: Ledger
    opening_debt: Ledger
    new_debt: Ledger
    recovered: Ledger
    closing_debt: Ledger
    open_episode: str | None


class UnitPosition(NamedTuple):
    """A position open at the end of the session; quantity signed."""

    account_id: str
    currency: str
    isolation: str
    instrument_id: str
    quantity_e18: int
    entry_value: Ledger
    mark_e18: int | None


class EndedEpisode(NamedTuple):
    episode_id: str
    account_id: str
    currency: str
    isolation: str
    triggered_at: int
    first_execution_at: int | None
    ended_at: int
    end_reason: str
    trigger: str
    execution: str
    equity_at_trigger: Ledger
    maintenance_margin_at_trigger: Ledger
    terminal_equity: Ledger
    liquidation_fees: Ledger
    surplus: Ledger
    deficit: Ledger


class LossComponent(NamedTuple):
    episode_id: str
    currency: str
    component: str
    instrument_id: str | None
    amount: Ledger


class LiquidationPosition(NamedTuple):
    """What an ended episode started with in an instrument, and its liquidation fills there (outputs.md)."""

    episode_id: str
    currency: str
    instrument_id: str
    quantity_e18: int
    entry_value: Ledger
    mark_e18: int | None
    maintenance_margin: Ledger
    liquidation_fills: int
    filled_quantity_e18: int
    filled_value: Ledger


class NegativeBalance(NamedTuple):
    """A negative-balance event before the waterfall; `liquidated` says per instrument what was closed.

    `session_transfers`: signed sum of the unit's transfers in the session, up to and with the event's time.
    `liquidated`: JSON text {instrument_id: [signed quantity_e18, value in ledger units]}.
    Of cause takeover: `from_account_id` is the account from which the lot was taken, None when that is unknown, and
    `place` the event's among those of its unit and time (rules.md section 10).
    """

    event_id: str
    ts: int
    account_id: str
    currency: str
    isolation: str
    client_class: str
    cause: str
    episode_id: str | None
    protected: bool
    session_transfers: Ledger
    deficit: Ledger
    liquidated: str
    from_account_id: str | None = None
    place: int = 0


class FundMovement(NamedTuple):
    """A movement into the fund that comes from a unit or a lot.

    `kind`: liquidation_fee, surplus, takeover_gain or takeover_funding. `place`: that of a takeover_gain among those
    of its unit, time, instrument and fill, in the order of the lots.
    """

    ts: int
    kind: str
    account_id: str
    currency: str
    isolation: str
    instrument_id: str
    fill_id: str
    amount: Ledger
    ref: str
    place: int = 0


class OpenLot(NamedTuple):
    """A position, or what is left of one, that was taken over on the fund's account (rules.md section 15).

    `lot_id`: the fill that opened it; of a simulated lot an id of ours. `execution`: recorded or simulated.
    `from_…`: the unit of which it was taken over, and `episode_id` its episode; None when unknown. `quantity_e18` is
    signed. `opening_mark_e18`: the mark in force when it was opened, None before the first tick.
    """

    lot_id: str
    execution: str
    episode_id: str | None
    from_account_id: str | None
    from_isolation: str | None
    account_id: str
    currency: str
    isolation: str
    instrument_id: str
    quantity_e18: int
    opened_at: int
    open_value: Ledger
    open_fee: Ledger
    opening_mark_e18: int | None


class Takeover(NamedTuple):
    """The closing of a lot, or of a part of it; `quantity_e18` has the lot's sign, `open_value` is what went out of it.

    result = at_takeover + market_move + execution − fees; the three are None where a mark is missing.
    """

    lot_id: str
    lot_execution: str
    episode_id: str | None
    from_account_id: str | None
    from_isolation: str | None
    account_id: str
    currency: str
    isolation: str
    instrument_id: str
    quantity_e18: int
    opened_at: int
    closed_at: int
    close_fill_id: str | None
    closed_by: str
    open_value: Ledger
    close_value: Ledger
    fees: Ledger
    result: Ledger
    at_takeover: Ledger | None
    market_move: Ledger | None
    execution: Ledger | None


class AdlLoss(NamedTuple):
    fill_id: str
    trade_id: str
    ts: int
    account_id: str
    currency: str
    isolation: str
    instrument_id: str
    side: int
    price_e18: int
    quantity_e18: int
    mark_e18: int | None
    amount: Ledger


class FundingTotal(NamedTuple):
    """Funding received per instrument; `events` = positions times funding events."""

    instrument_id: str
    currency: str
    amount: Ledger
    events: int


class Snapshot(NamedTuple):
    """A unit after all events of an asked-for instant; one row a position, or one with no instrument."""

    ts: int
    account_id: str
    currency: str
    isolation: str
    wallet: Ledger
    equity: Ledger
    instrument_id: str | None
    quantity_e18: int
    entry_value: Ledger
    value: Ledger
    unrealised: Ledger
    mark_e18: int | None


@dataclass
class SessionRows:
    """All rows of a replayed session (or of a bucket of its accounts).

    `lots`: those that are open at its end. Simulated ones are in it as units left them, until `rules.unwinding` has
    closed what is due.
    """

    unit_sessions: list[UnitSession] = field(default_factory=list)
    unit_positions: list[UnitPosition] = field(default_factory=list)
    episodes: list[EndedEpisode] = field(default_factory=list)
    components: list[LossComponent] = field(default_factory=list)
    liquidation_positions: list[LiquidationPosition] = field(default_factory=list)
    negative_balances: list[NegativeBalance] = field(default_factory=list)
    fund_movements: list[FundMovement] = field(default_factory=list)
    adl_losses: list[AdlLoss] = field(default_factory=list)
    funding_totals: list[FundingTotal] = field(default_factory=list)
    snapshots: list[Snapshot] = field(default_factory=list)
    lots: list[OpenLot] = field(default_factory=list)
    takeovers: list[Takeover] = field(default_factory=list)

    def extend(self, other: "SessionRows") -> None:
        for f in fields(self):
            getattr(self, f.name).extend(getattr(other, f.name))
