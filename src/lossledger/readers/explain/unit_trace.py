"""The reference's replay of a unit, recording every event."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from lossledger.engine.events import Fill, Market, UnitKey
from lossledger.engine.ids import order_key
from lossledger.engine.intake.policy import Policy
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.episode import MARGIN, Episode
from lossledger.engine.rules.order import replay_unit
from lossledger.engine.rules.units import Unit, UnitInput

CHARGE, TRANSFER, FILL, FUNDING, TICK = "charge", "transfer", "fill", "funding", "tick"
TRIGGER, SURPLUS, RESET, DEBT = "trigger", "surplus", "reset", "debt"
TAKEN, SETTLEMENT = "taken", "settlement"
KIND_TEXTS = {
    CHARGE: "charge of the session before",
    TRIGGER: "liquidation triggered",
    SURPLUS: "surplus to the insurance fund",
    RESET: "reset by negative balance protection",
    SETTLEMENT: "settled with the insurance fund",
}


class TraceEntry(NamedTuple):
    """An event or its consequence, with the unit's state after it; amounts in ledger units.

    `amount`: booked on the wallet, or on the debt in an entry of kind DEBT. `change`: of equity, of a fill at the mark
    in force and without its fee. `mark_e18`: of the tick, or in force at the fill.
    """

    ts: int
    kind: str
    ref: str
    instrument_id: str
    amount: int
    change: int
    wallet: int
    equity: int
    margin: int
    quantity_e18: int
    mark_e18: int | None = None
    fill: Fill | None = None
    in_episode: bool = False


class TracedUnit(Unit):
    """A unit that records its events; of ticks only those during a liquidation and the one that triggers it."""

    def __init__(self, given: UnitInput, market: Market, start: int) -> None:
        self.entries: list[TraceEntry] = []
        self.opened: list[Episode] = []
        self.ticks = 0
        self._open: Episode | None = None
        self._now = start
        self._transfers = iter(sorted(given.transfers, key=lambda t: (t.ts, order_key(t.transfer_id))))
        super().__init__(given, market, start)

    @property
    def episode(self) -> Episode | None:
        return self._open

    @episode.setter
    def episode(self, episode: Episode | None) -> None:
        if episode is not None:
            self.opened.append(episode)
            if episode.trigger == MARGIN and episode.triggered_at == self._now:
                self._note(episode.triggered_at, TRIGGER)
        self._open = episode

    def _note(
        self,
        ts: int,
        kind: str,
        ref: str = "",
        instrument_id: str = "",
        amount: int = 0,
        change: int = 0,
        mark_e18: int | None = None,
        fill: Fill | None = None,
    ) -> None:
        self._now = ts
        held = self.positions.get(instrument_id)
        state = (self.wallet, self.equity(), self.maintenance_margin(ts), held.quantity_e18 if held else 0)
        self.entries.append(
            TraceEntry(
                ts, kind, ref, instrument_id, amount, change, *state, mark_e18, fill, self._open is not None
            )
        )

    def transfer(self, amount: int) -> None:
        super().transfer(amount)
        given = next(self._transfers)
        self._note(given.ts, TRANSFER, given.transfer_id, amount=amount, change=amount)

    def charge(self) -> None:
        super().charge()
        amount = -self.given.charge
        self._note(self.given.charge_at, CHARGE, amount=amount, change=amount)

    def fill(self, fill: Fill, liquidation: bool) -> tuple[int, int | None]:
        before = self.wallet
        change, mark_e18 = super().fill(fill, liquidation)
        booked = self.wallet - before
        self._note(fill.ts, FILL, fill.fill_id, fill.instrument_id, booked, change, mark_e18, fill)
        return change, mark_e18

    def give_up(self, instrument_id: str, ts: int, value: int) -> None:
        position, before = self.positions[instrument_id], self.wallet
        worth, mark_e18 = position.unrealised(), position.mark_e18
        super().give_up(instrument_id, ts, value)
        booked = self.wallet - before
        self._note(ts, TAKEN, instrument_id, instrument_id, booked, booked - worth, mark_e18)

    def settle_with_fund(self, amount: int) -> None:
        super().settle_with_fund(amount)
        self._note(self._now, SETTLEMENT, amount=amount, change=amount)

    def fund(self, ts: int) -> dict[str, int]:
        self._now = ts
        before = dict(self.funding)
        found = super().fund(ts)
        for instrument_id, (total, _) in sorted(self.funding.items()):
            if self.funding[instrument_id] != before.get(instrument_id):
                received = total - before.get(instrument_id, (0, 0))[0]
                self._note(ts, FUNDING, instrument_id, instrument_id, received, received)
        return found

    def tick(self, ts: int) -> list[str]:
        self._now = ts
        if self._open is None:
            ticked = super().tick(ts)
            self.ticks += len(ticked)
            return ticked
        before = {i: p.unrealised() for i, p in self.positions.items()}
        ticked = super().tick(ts)
        self.ticks += len(ticked)
        for instrument_id in ticked:
            position = self.positions[instrument_id]
            change = position.unrealised() - before[instrument_id]
            self._note(ts, TICK, instrument_id, instrument_id, 0, change, position.mark_e18)
        return ticked

    def forfeit(self, surplus: int) -> None:
        super().forfeit(surplus)
        self._note(self._now, SURPLUS, amount=-surplus, change=-surplus)

    def reset(self, deficit: int) -> None:
        super().reset(deficit)
        self._note(self._now, RESET, amount=deficit, change=deficit)

    def owe(self, loss: int) -> None:
        super().owe(loss)
        self._note(self._now, DEBT, amount=loss)


def replay_traced(
    units: Iterable[UnitInput], market: Market, policy: Policy, start: int
) -> tuple[SessionRows, Sequence[TracedUnit]]:
    """Replays units as the reference's `replay_units` does, and returns each with its recorded events."""
    rows, traced = SessionRows(), []
    for given in sorted(units, key=lambda unit: unit.key):
        unit = TracedUnit(given, market, start)
        replay_unit(unit, policy, rows)
        traced.append(unit)
    return rows, traced


def unit_trace(entries: Sequence[TracedUnit], key: UnitKey) -> TracedUnit:
    return next(unit for unit in entries if unit.key == key)
