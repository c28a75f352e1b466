"""One session from the state it starts with to its tables and the state it ends with: the fold, once.

Everything is in memory and in the plainest form, so this is what a session means. The night does the same on columns
(`jobs/attribute`) and has to publish the same rows: tests/properties/test_history.py.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from lossledger.engine.clock import NEVER
from lossledger.engine.events import Account, Market, Trade, UnitKey
from lossledger.engine.intake.policy import Policy
from lossledger.engine.replayed import Replayed, Tables
from lossledger.engine.rows import OpenLot, SessionRows, Snapshot, UnitPosition, UnitSession
from lossledger.engine.rules.fund import ExternalMovement, run_waterfall
from lossledger.engine.rules.lot_results import settle_results
from lossledger.engine.rules.lots import is_recorded, lot_order
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.origins import Origins, name_origins
from lossledger.engine.rules.reconcile import Losses
from lossledger.engine.rules.unit_rows import remember_marks
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.rules.unwinding import unwind
from lossledger.engine.tables.accounts import accounts, positions
from lossledger.engine.tables.comparison import comparison_rows, shortfall_instants
from lossledger.engine.tables.liquidations import adl_rows, liquidation_positions, liquidations
from lossledger.engine.tables.losses import Shared, fund, negative_balances, protection, share
from lossledger.engine.tables.takeovers import takeover_inventory, takeovers

BEGINNING = -NEVER  # where the first session of a warehouse starts: it has no lower bound
Replay = Callable[[Sequence[UnitInput], Market, Policy, int], SessionRows]


@dataclass(frozen=True)
class SessionInput:
    """What a session starts from, and what happens in [start, end).

    `fund_openings`: per currency in ledger units, None on a warehouse's first date. `trade_sides`: a trade
    to (fill_id, account_id) of all its sides delivered before the end; of trades with a side of kind `adl`, if no more.
    `origins`: the units of which liquidators took over (`rules.counterparts`). `lots`: open ones that are no unit's.
    """

    day: date
    start: int
    end: int
    policy: Policy
    scales: Mapping[str, int]
    accounts: Mapping[str, Account]
    market: Market
    units: Sequence[UnitInput]
    movements: Sequence[ExternalMovement] = ()
    fund_openings: Mapping[str, int] | None = None
    trade_sides: Mapping[Trade, list[tuple[str, str]]] = field(default_factory=dict)
    origins: Origins = field(default_factory=dict)
    lots: Sequence[OpenLot] = ()


@dataclass
class Carried:
    """All that a session leaves to the next one; amounts in ledger units, `charges` to be booked at `charged_at`."""

    units: list[UnitSession] = field(default_factory=list)
    positions: list[UnitPosition] = field(default_factory=list)
    charges: dict[UnitKey, int] = field(default_factory=dict)
    charged_at: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    fund: dict[str, int] | None = None
    lots: list[OpenLot] = field(default_factory=list)

    @property
    def simulated_lots(self) -> list[OpenLot]:
        """Open lots that are no unit's."""
        return [lot for lot in self.lots if not is_recorded(lot)]


@dataclass(frozen=True)
class Outcome:
    """A session and what follows from it: its tables but reconciliation, what is charged, what is carried on."""

    session: Replayed
    tables: Tables
    charges: dict[UnitKey, int]
    losses: dict[str, Losses]
    carried: Carried

    @property
    def rows(self) -> SessionRows:
        return self.session.rows


def carry_over(units: dict[UnitKey, UnitInput], before: Carried, accounts: Mapping[str, Account]) -> None:
    """Give units the state in which the session before left them; those that only it knew are added."""

    def unit(key: UnitKey) -> UnitInput:
        return units.setdefault(key, UnitInput(key, accounts[key.account_id]))

    for s in before.units:
        state = unit(UnitKey(s.account_id, s.currency, s.isolation))
        state.wallet, state.debt, state.unrealised = s.closing_wallet, s.closing_debt, s.closing_unrealised
        state.open_episode = s.open_episode
    for p in before.positions:
        held = (p.instrument_id, p.quantity_e18, p.entry_value)
        unit(UnitKey(p.account_id, p.currency, p.isolation)).positions.append(held)
    for lot in before.lots:
        if is_recorded(lot):
            unit(UnitKey(lot.account_id, lot.currency, lot.isolation)).lots.append(lot)
    for key, amount in before.charges.items():
        unit(key).charge, unit(key).charge_at = amount, before.charged_at


def replay_session(given: SessionInput, replay: Replay = replay_units) -> tuple[SessionRows, Carried]:
    """The rows of a session, and what it leaves to the next one but its charges and its fund."""
    rows = replay(given.units, given.market, given.policy, given.start)
    settle_lots(given, rows)
    rows.unit_sessions = [remember_marks(unit, given.market, given.start) for unit in rows.unit_sessions]
    marks = given.market.closing_marks()
    return rows, Carried(
        rows.unit_sessions, rows.unit_positions, charged_at=given.end, marks=marks, lots=rows.lots
    )


def settle_lots(given: SessionInput, rows: SessionRows) -> None:
    """What follows for lots when all units have been replayed: simulated ones are closed, results are booked."""
    name_origins(rows, given.origins)
    opened = [lot for lot in rows.lots if not is_recorded(lot)]
    held = [lot for lot in rows.lots if is_recorded(lot)]
    still_open, closed = unwind([*given.lots, *opened], given.market, given.policy)
    rows.lots = sorted([*held, *still_open], key=lot_order)
    rows.takeovers += closed
    settle_results(rows, given.accounts)


def run_session(given: SessionInput, replay: Replay = replay_units) -> Outcome:
    """Replay, fund, sharing, tables, comparison. `replay`: the reference, or another that gives the same rows."""
    rows, carried = replay_session(given, replay)
    waterfall = run_waterfall(
        given.scales,
        given.fund_openings,
        given.movements,
        rows.fund_movements,
        rows.negative_balances,
        given.policy,
        given.end,
    )
    session = Replayed(
        given.day, given.start, given.end, given.policy, given.scales, given.accounts, rows, waterfall
    )
    shared = share(session)
    tables = _tables(session, shared, given.market)
    tables["adl_losses"] = adl_rows(session, given.trade_sides)
    states = _states(given, shortfall_instants(session), replay)
    tables["rule_comparison"], tables["rule_totals"] = comparison_rows(session, states)
    carried.charges = shared.charges
    carried.fund = {day.currency: day.closing for day in waterfall.days}
    return Outcome(session, tables, shared.charges, shared.losses, carried)


def _tables(session: Replayed, shared: Shared, market: Market) -> Tables:
    tables: Tables = {"session_losses": shared.totals, "socialised_losses": shared.payers}
    tables["negative_balances"] = negative_balances(session)
    tables["protection_daily"] = protection(session)
    tables["insurance_fund_ledger"], tables["insurance_fund_daily"] = fund(session)
    tables["account_daily"], tables["receivables_daily"] = accounts(session)
    tables["positions_daily"] = positions(session)
    tables["liquidations"], tables["loss_components"] = liquidations(session)
    tables["liquidation_positions"] = liquidation_positions(session)
    tables["takeovers"] = takeovers(session)
    tables["takeover_inventory"] = takeover_inventory(session, market)
    return tables


def _states(given: SessionInput, instants: list[int], replay: Replay) -> list[Snapshot]:
    """All units at some instants, from a second replay: which instants is known only after the fund was folded."""
    if not instants:
        return []
    units = [replace(unit, snapshots=instants) for unit in given.units]
    return replay(units, given.market, given.policy, given.start).snapshots
