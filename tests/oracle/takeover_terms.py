"""Policy entries of a market with takeovers: styles, steps, unwinding, executions that change in mid-range."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from tests.oracle.delivery import iso
from tests.oracle.scenery import LONG_AGO, MINUTE, Scenery, midnight

HOUR = 60 * MINUTE
STEPS = (["1"], ["0.2", "1"], ["0.5"], ["0.25", "0.5", "0.1"], ["0.3333"])
MARGINS = (("marginal", "notional"), ("whole", "notional"), ("whole", "quantity"))


class Terms:
    """Draws the entries; every choice comes from a generator of its own."""

    def __init__(self, market: Scenery) -> None:
        self.market = market
        self.rng = Random(f"{market.seed} {market.execution} terms")

    def add(self) -> None:
        """All keys at the beginning, some of them again at the edges of sessions and in between."""
        rng, market = self.rng, self.market
        style = ("takeover", "backstop", "takeover", "backstop", "market")[market.seed % 5]
        market.entries.append({"valid_from": LONG_AGO, **self.values(), "liquidation_style": style})
        edges = [b + n for b in market.bounds[:-1] for n in (-1, 0, 1)]
        for _ in range(rng.choice([0, 1, 2, 3, 4])):
            values = self.values()
            picked: dict[str, Any] = dict(rng.sample(sorted(values.items()), rng.randrange(1, len(values))))
            if rng.randrange(2):
                picked["liquidator_account"] = values["liquidator_account"]
            picked |= dict(zip(("margin_on", "tier_floor"), rng.choice(MARGINS), strict=True))
            self.entry(rng.choice([*edges, midnight(market.last), *self.instants()]), picked)
        self.change_execution()

    def change_execution(self) -> None:
        """In six of ten markets, and in half of these back again."""
        rng = self.rng
        if rng.randrange(10) < 6:
            start, end = sorted(self.instants() + self.instants())
            other = "simulated" if self.market.execution == "recorded" else "recorded"
            self.entry(start, {"execution": other, **({"unwind_us": 0} if rng.randrange(2) else {})})
            if rng.randrange(2) and end > start:
                self.entry(end, {"execution": self.market.execution})

    def entry(self, since: int, values: dict[str, Any]) -> None:
        """An entry that holds from an instant on."""
        self.market.entries.append({"valid_from": self.rng.choice([iso(since), since]), **values})

    def instants(self) -> list[int]:
        """A round instant inside the run."""
        first, last = self.market.bounds[0], self.market.bounds[-1]
        return [first + self.rng.randrange((last - first) // (10 * MINUTE)) * 10 * MINUTE]

    def values(self) -> dict[str, Any]:
        """A value for every key of takeover, steps and draws."""
        rng, market = self.rng, self.market
        # 0.18 and 0.14: what a quantity of 2 is worth after a fall by 10 or by 30 in a scene of takeover.
        shares = {
            c: Decimal(rng.choice(["0", "0.1", "0.5", "0.18", "0.14"])) for c in sorted(market.currencies)
        }
        small = {c: str(market.money(market.base[c] * shares[c], c)) for c in shares if self.rng.randrange(3)}
        margin_on, tier_floor = rng.choice(MARGINS)
        return {
            "liquidation_style": rng.choice(["market", "takeover", "takeover", "backstop", "backstop"]),
            "latency_us": rng.choice([0, 0, 0, 1, MINUTE]),
            "liquidation_steps": rng.choice(STEPS),
            "liquidation_partial_above": small,
            "liquidation_fee_rate": rng.choice(["0", "0.0005", "0.01", "0.03"]),
            "liquidation_cooldown_us": rng.choice([0, 1, 10 * MINUTE, 10 * MINUTE, 5 * HOUR]),
            "liquidation_until": rng.choice(["flat", "recovered"]),
            "liquidation_fee_cap": rng.choice(["none", "equity", "equity"]),
            "backstop_below": rng.choice(["2/3", "1/2", "0.2", "1", "1/3"]),
            "liquidator_account": rng.choice(["liquidator", "desk-9", *market.liquidators]),
            "unwind_us": rng.choice([0, 0, 1, 10 * MINUTE, 2 * HOUR, 9 * HOUR, 9 * HOUR, 60 * HOUR]),
            "unwind_fee_rate": rng.choice(["0", "0.0005", "0.01"]),
            "fund_draw_rule": rng.choice(["partial", "all_or_nothing"]),
            "margin_on": margin_on,
            "tier_floor": tier_floor,
        }
