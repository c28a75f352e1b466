"""A liquidation episode: why the equity of a unit fell, cause by cause (rules.md sections 8 and 12)."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from engine.clock import iso
from engine.events import Fill, UnitKey
from engine.rows import EndedEpisode, LossComponent

MARGIN, RECORDED_FILL = "margin", "recorded_fill"
FLAT, SELF_CLOSED, RECOVERED = "flat", "self_closed", "recovered"


def stable_id(prefix: str, *parts: object) -> str:
    """An id that depends on nothing but its parts: the same for the same input, wherever it is made."""
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return f"{prefix}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


@dataclass
class Episode:
    """An open liquidation.

    `causes` maps (component, instrument or '') to an amount that enlarges the deficit, `liquidated` an
    instrument to the signed quantity_e18 and the value of its liquidation fills.
    """

    triggered_at: int
    trigger: str
    execution: str
    equity: int
    margin: int
    first_execution_at: int | None = None
    liquidation_fees: int = 0
    causes: dict[tuple[str, str], int] = field(default_factory=dict)
    liquidated: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def opened(cls, ts: int, trigger: str, execution: str, equity: int, margin: int) -> "Episode":
        """Equity and margin at the trigger, cut into cushion, headroom and gaps."""
        episode = cls(ts, trigger, execution, equity, margin)
        episode.add("cushion", "", -margin)
        episode.add("headroom", "", -max(0, equity - margin))
        episode.add("gap_in_cushion", "", min(max(0, margin - equity), margin))
        episode.add("gap_past_bankruptcy", "", max(0, -equity))
        return episode

    def add(self, component: str, instrument_id: str, amount: int) -> None:
        key = (component, instrument_id)
        self.causes[key] = self.causes.get(key, 0) + amount

    def add_tick(self, instrument_id: str, equity_change: int) -> None:
        """A tick before the first liquidation fill is latency, after it market move."""
        component = "latency" if self.first_execution_at is None else "market_move"
        self.add(component, instrument_id, -equity_change)

    def add_fill(self, fill: Fill, equity_change: int, value: int, liquidation: bool) -> None:
        """A fill's equity change at the mark in force (fee excluded), and its fee."""
        self.add("execution" if liquidation else "account_trading", fill.instrument_id, -equity_change)
        self.add("fees", fill.instrument_id, fill.fee)
        if not liquidation:
            return
        if self.first_execution_at is None:
            self.first_execution_at = fill.ts
        self.liquidation_fees += fill.fee
        quantity, total = self.liquidated.get(fill.instrument_id, (0, 0))
        self.liquidated[fill.instrument_id] = (quantity + fill.side * fill.quantity_e18, total + value)

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
            self.equity,
            self.margin,
            equity,
            self.liquidation_fees,
            surplus,
            deficit,
        )

    def components(self, key: UnitKey) -> list[LossComponent]:
        """The causes that are not zero; their sum is −(terminal equity)."""
        episode_id = self.episode_id(key)
        return [
            LossComponent(episode_id, key.currency, component, instrument_id or None, amount)
            for (component, instrument_id), amount in sorted(self.causes.items())
            if amount
        ]

    def liquidated_json(self) -> str:
        """Per instrument the signed quantity and the value of the liquidation fills, as JSON text."""
        return json.dumps({i: [str(q), str(v)] for i, (q, v) in sorted(self.liquidated.items())})

    def to_json(self) -> str:
        state = vars(self) | {
            "causes": [[*k, str(v)] for k, v in sorted(self.causes.items())],
            "liquidated": {i: [str(q), str(v)] for i, (q, v) in sorted(self.liquidated.items())},
        }
        return json.dumps(state, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Episode":
        state: dict[str, Any] = json.loads(text)
        state["causes"] = {(c, i): int(v) for c, i, v in state["causes"]}
        state["liquidated"] = {i: (int(q), int(v)) for i, (q, v) in state["liquidated"].items()}
        return cls(**state)
