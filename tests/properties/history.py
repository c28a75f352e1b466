"""The engine over several sessions, in memory: each one folded from what the one before left."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lossledger.engine.events import Market, Trade, UnitKey
from lossledger.engine.intake.policy import Policy
from lossledger.engine.replayed import Tables
from lossledger.engine.rows import OpenLot, SessionRows, UnitPosition, UnitSession
from lossledger.engine.rules.counterparts import origins_of
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.session import (
    BEGINNING,
    Carried,
    Outcome,
    Replay,
    SessionInput,
    carry_over,
    replay_session,
    run_session,
)
from lossledger.schemas.attribution import TABLES
from tests.properties.ledger import Ledger

_COLUMNS = {t.name: [c.name for c in t.columns if c.name != t.partition] for t in TABLES}
Bucket = Callable[[str], int]


def stored(carried: Carried) -> Carried:
    """What is left of it when it has been a text in between."""
    text = json.dumps(vars(carried) | {"charges": [[*k, v] for k, v in carried.charges.items()]})
    state: dict[str, Any] = json.loads(text)
    state["units"] = [UnitSession(*row) for row in state["units"]]
    state["positions"] = [UnitPosition(*row) for row in state["positions"]]
    state["lots"] = [OpenLot(*row) for row in state["lots"]]
    state["charges"] = {UnitKey(*key): v for *key, v in state["charges"]}
    return Carried(**state)


def one_bucket(account_id: str) -> int:
    """Everybody in one partition."""
    return 0


def unit_inputs(
    ledger: Ledger, before: Carried, start: int, end: int, instants: Iterable[int]
) -> list[UnitInput]:
    """The units with their state at `start` and their events in [start, end)."""
    units: dict[UnitKey, UnitInput] = {}
    carry_over(units, before, ledger.accounts)

    def unit(key: UnitKey) -> UnitInput:
        return units.setdefault(key, UnitInput(key, ledger.accounts[key.account_id]))

    for key, transfer in ledger.transfers:
        if start <= transfer.ts < end:
            unit(key).transfers.append(transfer)
    for key, fill in ledger.fills:
        if start <= fill.ts < end:
            unit(key).fills.append(fill)
    asked = sorted(t for t in set(instants) if start <= t < end)
    for given in units.values():
        given.snapshots = asked
    return list(units.values())


def session_input(
    ledger: Ledger,
    day: dt.date,
    before: Carried | None,
    start: int | None = None,
    end: int | None = None,
    instants: Iterable[int] = (),
) -> SessionInput:
    """What a session starts from, and its events in [start, end), those of the date if not given.

    `before` None: the first session. `instants` to report on.
    """
    opens, closes = ledger.policy.session_bounds(day)
    start = (opens if before else BEGINNING) if start is None else start
    end = closes if end is None else end
    state = before or Carried()
    sides: defaultdict[Trade, list[tuple[str, str]]] = defaultdict(list)
    for key, fill in ledger.fills:
        if fill.ts < end:
            sides[Trade(fill.instrument_id, fill.trade_id)].append((fill.fill_id, key.account_id))
    return SessionInput(
        day,
        start,
        end,
        ledger.policy,
        ledger.scales,
        ledger.accounts,
        ledger.market(start, end, state.marks),
        unit_inputs(ledger, state, start, end, instants),
        [m for m in ledger.movements if start <= m.ts < end],
        state.fund,
        sides,
        origins_of([(key, fill) for key, fill in ledger.fills if start <= fill.ts < end], ledger.accounts),
        state.simulated_lots,
    )


def by_partition(bucket: Bucket) -> Replay:
    """The reference, partition by partition."""

    def replay(units: Sequence[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
        buckets: defaultdict[int, list[UnitInput]] = defaultdict(list)
        for unit in units:
            buckets[bucket(unit.key.account_id)].append(unit)
        rows = SessionRows()
        for _, mine in sorted(buckets.items(), key=lambda item: item[0]):
            rows.extend(replay_units(mine, market, policy, start))
        return rows

    return replay


def replay_part(
    ledger: Ledger, before: Carried, start: int, end: int, instants: Iterable[int] = ()
) -> tuple[SessionRows, Carried]:
    """Any stretch of time replayed alone: the rows, and the state at `end` (no charges, no fund)."""
    return replay_session(session_input(ledger, ledger.first, before, start, end, instants))


def run_day(ledger: Ledger, day: dt.date, before: Carried | None, bucket: Bucket = one_bucket) -> Outcome:
    """One business date; `before` None on the first."""
    return run_session(session_input(ledger, day, before), by_partition(bucket))


def run_history(ledger: Ledger, bucket: Bucket = one_bucket) -> list[Outcome]:
    """All dates in order."""
    outcomes: list[Outcome] = []
    for n in range((ledger.last - ledger.first).days + 1):
        before = outcomes[-1].carried if outcomes else None
        outcomes.append(run_day(ledger, ledger.first + dt.timedelta(days=n), before, bucket))
    return outcomes


def canonical(tables: Tables) -> dict[str, list[str]]:
    """Published tables as sorted text rows: equal when they hold the same rows in any order."""
    return {
        name: sorted(repr([row[c] for c in _COLUMNS[name]]) for row in rows)
        for name, rows in sorted(tables.items())
    }
