"""A risk unit's equity and maintenance margin after each event, recorded during the reference's replay."""

from collections.abc import Sequence
from typing import NamedTuple

from lossledger.engine.events import Fill, Market, UnitKey
from lossledger.engine.ids import order_key
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_unit
from lossledger.engine.rules.units import Unit, UnitInput
from lossledger.readers.explain.account_session import AccountSession

TICK, FILL = "tick", "fill"
_BEFORE, _AFTER = 40, 10  # points shown before and after the event


class Point(NamedTuple):
    """The unit after an event; amounts in ledger units."""

    ts: int
    event: str
    equity: int
    margin: int


class PathUnit(Unit):
    """A unit that records its equity and margin after each event, ticks included."""

    def __init__(self, given: UnitInput, market: Market, start: int) -> None:
        self.points: list[Point] = []
        self._now = start
        self._transfers = iter(sorted(given.transfers, key=lambda t: (t.ts, order_key(t.transfer_id))))
        super().__init__(given, market, start)

    def _note(self, ts: int, event: str) -> None:
        self._now = ts
        self.points.append(Point(ts, event, self.equity(), self.maintenance_margin(ts)))

    def charge(self) -> None:
        super().charge()
        self._note(self.given.charge_at, "charge of the session before")

    def transfer(self, amount: int) -> None:
        super().transfer(amount)
        given = next(self._transfers)
        self._note(given.ts, f"transfer {given.transfer_id}")

    def fill(self, fill: Fill, liquidation: bool) -> tuple[int, int | None]:
        effect = super().fill(fill, liquidation)
        kind = "liquidation fill" if liquidation else f"{fill.kind} fill"
        self._note(fill.ts, f"{kind} {fill.fill_id}".strip())
        return effect

    def fund(self, ts: int) -> bool:
        touched = super().fund(ts)
        if touched:
            self._note(ts, "funding")
        return touched

    def tick(self, ts: int) -> list[str]:
        ticked = super().tick(ts)
        if ticked:
            self._note(ts, TICK)
        return ticked

    def forfeit(self, surplus: int) -> None:
        super().forfeit(surplus)
        self._note(self._now, "surplus to the insurance fund")

    def reset(self, deficit: int) -> None:
        super().reset(deficit)
        self._note(self._now, "reset by negative balance protection")


def path_of(session: AccountSession, key: UnitKey) -> list[Point]:
    """All points of the session; events of one instant each have a point, in their order."""
    (given,) = [unit for unit in session.units if unit.key == key]
    unit = PathUnit(given, session.market, session.start)
    replay_unit(unit, session.policy, SessionRows())
    return unit.points


def window(points: Sequence[Point], first: int, last: int) -> list[Point]:
    """The points between two times, with a fixed number of points before and after."""
    before = [point for point in points if point.ts < first][-_BEFORE:]
    inside = [point for point in points if first <= point.ts <= last]
    after = [point for point in points if point.ts > last][:_AFTER]
    return [*before, *inside, *after]
