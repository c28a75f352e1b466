"""The engine over several sessions, in memory: replay, waterfall, attribution, comparison, and what is carried."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.attribution import Session, Tables, adl_rows, attribute
from engine.events import UnitKey
from engine.rows import SessionRows, UnitPosition, UnitSession
from engine.rules.comparison_tables import comparison_rows, shortfall_instants
from engine.rules.fund import run_waterfall
from engine.rules.order import replay_units
from engine.rules.unit_rows import remember_marks
from engine.rules.units import UnitInput
from schemas.attribution import TABLES
from tests.properties.ledger import Ledger

BEGINNING = -(1 << 62)
_COLUMNS = {t.name: [c.name for c in t.columns if c.name != t.partition] for t in TABLES}
Bucket = Callable[[str], int]


@dataclass
class Carried:
    """All that a session leaves to the next one."""

    units: list[UnitSession] = field(default_factory=list)
    positions: list[UnitPosition] = field(default_factory=list)
    charges: dict[UnitKey, int] = field(default_factory=dict)
    charged_at: int = 0
    marks: dict[str, int] = field(default_factory=dict)
    fund: dict[str, int] | None = None

    def to_json(self) -> str:
        """The stored form: a text."""
        return json.dumps(vars(self) | {"charges": [[*k, v] for k, v in self.charges.items()]})

    @classmethod
    def from_json(cls, text: str) -> Carried:
        state: dict[str, Any] = json.loads(text)
        state["units"] = [UnitSession(*row) for row in state["units"]]
        state["positions"] = [UnitPosition(*row) for row in state["positions"]]
        state["charges"] = {UnitKey(*key): v for *key, v in state["charges"]}
        return cls(**state)


@dataclass
class Outcome:
    """A session, its published tables (but reconciliation), and what it carries on."""

    session: Session
    tables: Tables
    carried: Carried

    @property
    def rows(self) -> SessionRows:
        return self.session.rows


def one_bucket(account_id: str) -> int:
    """Everybody in one partition."""
    return 0


def unit_inputs(
    ledger: Ledger, before: Carried, start: int, end: int, instants: Iterable[int]
) -> list[UnitInput]:
    """The units with their state at `start` and their events in [start, end)."""
    units: dict[UnitKey, UnitInput] = {}

    def unit(key: UnitKey) -> UnitInput:
        return units.setdefault(key, UnitInput(key, ledger.accounts[key.account_id]))

    for s in before.units:
        state = unit(UnitKey(s.account_id, s.currency, s.isolation))
        state.wallet, state.debt, state.unrealised = s.closing_wallet, s.closing_debt, s.closing_unrealised
        state.open_episode = s.open_episode
    for p in before.positions:
        position = (p.instrument_id, p.quantity_e18, p.entry_value)
        unit(UnitKey(p.account_id, p.currency, p.isolation)).positions.append(position)
    for key, amount in before.charges.items():
        unit(key).charge, unit(key).charge_at = amount, before.charged_at
    for key, transfer in ledger.transfers:
        if start <= transfer.ts < end:
            unit(key).transfers.append(transfer)
    for key, fill in ledger.fills:
        if start <= fill.ts < end:
            unit(key).fills.append(fill)
    asked = sorted(t for t in set(instants) if start <= t < end)
    for state in units.values():
        state.snapshots = asked
    return list(units.values())


def replay(
    ledger: Ledger,
    before: Carried,
    start: int,
    end: int,
    bucket: Bucket = one_bucket,
    instants: Iterable[int] = (),
) -> tuple[SessionRows, Carried]:
    """Replay [start, end) partition by partition: the rows, and the state at `end` (no charges, no fund)."""
    buckets: defaultdict[int, list[UnitInput]] = defaultdict(list)
    for unit in unit_inputs(ledger, before, start, end, instants):
        buckets[bucket(unit.key.account_id)].append(unit)
    market = ledger.market(start, end, before.marks)
    rows = SessionRows()
    for _, units in sorted(buckets.items(), key=lambda item: item[0]):
        rows.extend(replay_units(units, market, ledger.policy, start))
    rows.unit_sessions = [remember_marks(unit, market, start) for unit in rows.unit_sessions]
    return rows, Carried(rows.unit_sessions, rows.unit_positions, {}, 0, market.closing_marks())


def run_session(ledger: Ledger, day: dt.date, before: Carried | None, bucket: Bucket = one_bucket) -> Outcome:
    """One business date; `before` None on the first."""
    start, end = ledger.policy.session_bounds(day)
    state = before or Carried()
    start = start if before else BEGINNING
    rows, carried = replay(ledger, state, start, end, bucket)
    movements = [m for m in ledger.movements if start <= m.ts < end]
    waterfall = run_waterfall(
        ledger.scales, state.fund, movements, rows.fund_movements, rows.negative_balances, ledger.policy, end
    )
    session = Session(day, start, end, ledger.policy, ledger.scales, ledger.accounts, rows, waterfall)
    tables = attribute(session)
    sides: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for key, fill in ledger.fills if rows.adl_losses else []:
        if fill.ts < end:
            sides[fill.trade_id].append((fill.fill_id, key.account_id))
    tables["adl_losses"] = adl_rows(session, sides)
    instants = shortfall_instants(session)
    snapshots = replay(ledger, state, start, end, bucket, instants)[0].snapshots if instants else []
    tables["rule_comparison"], tables["rule_totals"] = comparison_rows(session, snapshots)
    carried.charges, carried.charged_at = session.charges, end
    carried.fund = {d.currency: d.closing for d in waterfall.days}
    return Outcome(session, tables, carried)


def run_history(ledger: Ledger, bucket: Bucket = one_bucket) -> list[Outcome]:
    """All dates in order."""
    outcomes: list[Outcome] = []
    for n in range((ledger.last - ledger.first).days + 1):
        before = outcomes[-1].carried if outcomes else None
        outcomes.append(run_session(ledger, ledger.first + dt.timedelta(days=n), before, bucket))
    return outcomes


def canonical(tables: Tables) -> dict[str, list[str]]:
    """Published tables as sorted text rows: equal when they hold the same rows in any order."""
    return {
        name: sorted(repr([row[c] for c in _COLUMNS[name]]) for row in rows)
        for name, rows in sorted(tables.items())
    }
