"""A risk unit's equity and maintenance margin after each event, recorded during the reference's replay."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from lossledger.engine.events import UnitKey
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_unit
from lossledger.readers.explain import unit_trace as trace
from lossledger.readers.explain.account_session import AccountSession

_BEFORE, _AFTER = 40, 10  # points shown before and after the event


class Point(NamedTuple):
    """The unit after an event; amounts in ledger units."""

    ts: int
    event: str
    equity: int
    margin: int


class PathUnit(trace.TracedUnit):
    """A traced unit that also records the ticks outside of liquidations."""

    def tick(self, ts: int) -> list[str]:
        recorded = len(self.entries)
        ticked = super().tick(ts)
        if ticked and len(self.entries) == recorded:
            self._note(ts, trace.TICK)
        return ticked


def path_of(session: AccountSession, key: UnitKey) -> list[Point]:
    """All points of the session; events of one instant each have a point, in their order."""
    (given,) = [unit for unit in session.units if unit.key == key]
    unit = PathUnit(given, session.market, session.start)
    replay_unit(unit, session.policy, SessionRows())
    # ticks, and funding, of several instruments at one instant are one point
    events = (
        (entry.ts, _event(entry), entry)
        for entry in unit.entries
        if entry.kind not in (trace.TRIGGER, trace.DEBT)
    )
    groups = (list(group) for _, group in groupby(events, key=lambda event: event[:2]))
    return [Point(ts, event, last.equity, last.margin) for *_, (ts, event, last) in groups]


def _event(entry: trace.TraceEntry) -> str:
    if entry.fill is not None:
        return f"{entry.fill.kind} {trace.FILL} {entry.ref}".strip()
    return (
        f"{trace.TRANSFER} {entry.ref}"
        if entry.kind == trace.TRANSFER
        else trace.KIND_TEXTS.get(entry.kind, entry.kind)
    )


def window(points: Sequence[Point], first: int, last: int) -> list[Point]:
    """The points between two times, with a fixed number of points before and after."""
    before = [point for point in points if point.ts < first][-_BEFORE:]
    inside = [point for point in points if first <= point.ts <= last]
    after = [point for point in points if point.ts > last][:_AFTER]
    return [*before, *inside, *after]
