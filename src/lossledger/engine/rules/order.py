"""The replay of one risk unit over one session: its events in their order (rules.md section 4).

Units do not influence each other within a session, so a session is replayed unit by unit, in any order and
anywhere. This is the reference; a faster one has to give the same `SessionRows`.
"""

from collections.abc import Iterable
from itertools import groupby

from lossledger.engine.clock import NEVER
from lossledger.engine.events import Fill, Market, Transfer
from lossledger.engine.ids import order_key
from lossledger.engine.intake.policy import Policy
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.liquidation import apply_recorded_fill, end_if_recovered
from lossledger.engine.rules.margin import MarginRule
from lossledger.engine.rules.negative_balance import settle
from lossledger.engine.rules.simulation import simulate
from lossledger.engine.rules.takeover import settle_funding
from lossledger.engine.rules.trigger import trigger
from lossledger.engine.rules.unit_rows import add_snapshot, close_unit
from lossledger.engine.rules.units import Unit, UnitInput

_CHARGE, _TRANSFER, _FILL, _SNAPSHOT = range(4)
_Event = tuple[int, int, str, object]  # timestamp, class, order of its id, the event


def replay_units(units: Iterable[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
    """Replay a session for any set of units; `start` = S, or a time before all events on the first date.

    An episode that is open at the end is carried on only after `remember_marks`. DataError when a held
    instrument has no effective margin table.
    """
    rows = SessionRows()
    for unit in sorted(units, key=lambda u: u.key):
        replay_unit(Unit(unit, market, start), policy, rows)
    return rows


def replay_unit(unit: Unit, policy: Policy, rows: SessionRows) -> None:
    """Take a unit through the session's timestamps and write what happens into `rows`."""
    own = groupby(_own_events(unit.given), key=lambda event: event[0])
    next_own = next(own, None)
    while True:
        own_ts = next_own[0] if next_own else NEVER
        ts = min(own_ts, unit.next_market_event())
        if ts == NEVER:
            break
        events: list[_Event] = []
        if next_own and own_ts == ts:
            events = list(next_own[1])
            next_own = next(own, None)
        _step(unit, ts, events, policy, rows)
    close_unit(unit, rows)


def _own_events(unit: UnitInput) -> list[_Event]:
    """What is the unit's own, in the order of section 4: a charge comes before any other event of its time."""
    events: list[_Event] = [
        *((t.ts, _TRANSFER, order_key(t.transfer_id), t) for t in unit.transfers),
        *((f.ts, _FILL, order_key(f.fill_id), f) for f in unit.fills),
        *((ts, _SNAPSHOT, "", None) for ts in unit.snapshots),
    ]
    if unit.charge:
        events.append((unit.charge_at, _CHARGE, "", None))
    return sorted(events, key=lambda event: event[:3])


def _step(unit: Unit, ts: int, events: Iterable[_Event], policy: Policy, rows: SessionRows) -> None:
    """All events of one timestamp, then what follows from them: liquidation, and a look at a flat wallet."""
    terms = policy.at(ts)
    unit.margin_rule = MarginRule.of(terms)
    simulated = terms.execution == "simulated"
    touched = filled = snapshot = False
    for _, event_class, _, event in events:
        if event_class == _CHARGE:
            unit.charge()
        elif isinstance(event, Transfer):
            unit.transfer(event.amount)
        elif isinstance(event, Fill):
            if simulated and (event.kind in ("liquidation", "adl") or unit.account.is_liquidator):
                continue
            apply_recorded_fill(unit, event, terms, rows)
            filled = True
        else:
            snapshot = True
            continue
        touched = True
    funding = unit.fund(ts)
    touched |= bool(funding)
    if unit.account.is_liquidator:
        settle_funding(unit, ts, funding, rows)
    ticked = unit.tick(ts)
    if ticked and unit.account.is_client:
        trigger(unit, ts, terms)
        if not simulated or terms.liquidation_until == "recovered":
            end_if_recovered(unit, ts, terms, rows)
        if simulated and simulate(unit, ts, ticked, terms, rows):
            touched = filled = True
    settle(unit, ts, terms, touched, filled, rows)
    if snapshot:
        add_snapshot(unit, ts, rows)
