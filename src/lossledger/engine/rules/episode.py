"""A liquidation episode: what a unit had at its start, and what has become of it (rules.md section 8)."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill, UnitKey
from lossledger.engine.ids import stable_id
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import EndedEpisode, LiquidationPosition, LossComponent
from lossledger.engine.rules.causes import (
    Causes,
    cause_of_fill,
    cause_of_tick,
    causes_at_start,
    loss_components,
)

MARGIN, RECORDED_FILL = "margin", "recorded_fill"
FLAT, SELF_CLOSED, RECOVERED = "flat", "self_closed", "recovered"


class Held(NamedTuple):
    """A position at the start of an episode; the mark in force then is None before the first tick."""

    quantity_e18: int
    entry_value: int
    maintenance_margin: int
    mark_e18: int | None


class Liquidated(NamedTuple):
    """The liquidation fills in an instrument, each counted in full: how many, signed and unsigned sum, Σ V."""

    fills: int = 0
    net_quantity_e18: int = 0
    quantity_e18: int = 0
    value: int = 0


def liquidated_text(closed: Iterable[tuple[str, int, int]]) -> str:
    """JSON text of what was closed: instruments, each once, signed quantities in 10^-18, values in ledger units."""
    return json.dumps({i: [str(quantity_e18), str(value)] for i, quantity_e18, value in sorted(closed)})


@dataclass
class Episode:
    """An open liquidation.

    `held`, `liquidated` and `marks` go by instrument. `marks` are those in force at the start of what the unit did
    not hold then: an episode that is carried into another session needs them where it trades one of these later.
    `steps`: timestamps at which a simulated liquidation has closed something, the last one at `last_step_at`.
    """

    triggered_at: int
    trigger: str
    execution: str
    equity: int
    margin: int
    first_execution_at: int | None = None
    liquidation_fees: int = 0
    causes: Causes = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    liquidated: dict[str, Liquidated] = field(default_factory=dict)
    marks: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    last_step_at: int = 0

    @classmethod
    def opened(
        cls, ts: int, trigger: str, execution: str, equity: int, held: Mapping[str, Held]
    ) -> "Episode":
        """With the unit's equity and what it holds, at the trigger."""
        margin = sum(position.maintenance_margin for position in held.values())
        causes = causes_at_start(equity, margin)
        return cls(ts, trigger, execution, equity, margin, causes=causes, held=dict(held))

    @property
    def starts_before(self) -> int:
        """The marks at the start are those just before the ticks of this time: a trigger follows its tick."""
        return self.triggered_at + 1 if self.trigger == MARGIN else self.triggered_at

    def add(self, component: str, instrument_id: str, amount: int) -> None:
        """A change of equity under its cause; the amount enlarges the deficit."""
        key = (component, instrument_id)
        self.causes[key] = self.causes.get(key, 0) + amount

    def add_tick(self, instrument_id: str, equity_change: int) -> None:
        self.add(cause_of_tick(self.first_execution_at is not None), instrument_id, -equity_change)

    def add_fill(self, fill: Fill, equity_change: int, value: int, liquidation: bool) -> None:
        """A fill's equity change at the mark in force (fee excluded), and its fee."""
        self.add(cause_of_fill(fill, liquidation), fill.instrument_id, -equity_change)
        self.add("fees", fill.instrument_id, fill.fee)
        if not liquidation:
            return
        self.liquidation_fees += fill.fee
        self.add_execution(fill.instrument_id, fill.ts, fill.side * fill.quantity_e18, value)

    def add_execution(self, instrument_id: str, ts: int, quantity_e18: int, value: int) -> None:
        """A liquidation fill, or what counts as one: its signed quantity and its value."""
        if self.first_execution_at is None:
            self.first_execution_at = ts
        before = self.liquidated.get(instrument_id, Liquidated())
        self.liquidated[instrument_id] = Liquidated(
            before.fills + 1,
            before.net_quantity_e18 + quantity_e18,
            before.quantity_e18 + abs(quantity_e18),
            before.value + value,
        )

    def episode_id(self, key: UnitKey) -> str:
        return stable_id("ep", *key, iso(self.triggered_at))

    def ended(self, key: UnitKey, ts: int, reason: str, equity: int, surplus: int) -> EndedEpisode:
        deficit = max(0, -equity) if reason != RECOVERED else 0
        return EndedEpisode(
            self.episode_id(key),
            *key,
            self.triggered_at,
            self.first_execution_at,
            ts,
            reason,
            self.trigger,
            self.execution,
            Ledger(self.equity),
            Ledger(self.margin),
            Ledger(equity),
            Ledger(self.liquidation_fees),
            Ledger(surplus),
            Ledger(deficit),
        )

    def components(self, key: UnitKey) -> list[LossComponent]:
        """The causes that are not zero; their sum is −(terminal equity)."""
        return loss_components(self.episode_id(key), key.currency, self.causes)

    def positions(self, key: UnitKey, start_mark: Callable[[str], int | None]) -> list[LiquidationPosition]:
        """Of every instrument held at the start or traded by the liquidation; `start_mark`: the mark then."""
        rows = []
        for instrument_id in sorted(self.held.keys() | self.liquidated.keys()):
            held = self.held.get(instrument_id) or Held(0, 0, 0, start_mark(instrument_id))
            closed = self.liquidated.get(instrument_id, Liquidated())
            rows.append(
                LiquidationPosition(
                    self.episode_id(key),
                    key.currency,
                    instrument_id,
                    held.quantity_e18,
                    Ledger(held.entry_value),
                    held.mark_e18,
                    Ledger(held.maintenance_margin),
                    closed.fills,
                    closed.quantity_e18,
                    Ledger(closed.value),
                )
            )
        return rows

    def liquidated_json(self) -> str:
        """Per instrument the signed quantity and the value of the liquidation fills, as JSON text."""
        return liquidated_text((i, c.net_quantity_e18, c.value) for i, c in self.liquidated.items())

    def to_json(self) -> str:
        state = vars(self) | {"causes": [[*cause, amount] for cause, amount in sorted(self.causes.items())]}
        if not self.steps:
            del state["steps"], state["last_step_at"]
        return json.dumps(state, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Episode":
        state: dict[str, Any] = json.loads(text)
        state["causes"] = {(component, i): amount for component, i, amount in state["causes"]}
        state["held"] = {i: Held(*position) for i, position in state["held"].items()}
        state["liquidated"] = {i: Liquidated(*fills) for i, fills in state["liquidated"].items()}
        return cls(**state)
