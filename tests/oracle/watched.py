"""A replay that counts what happens in it: which branches of takeover and of the steps of a liquidation."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from fractions import Fraction
from pathlib import Path

from tests.oracle.book import Episode, Unit
from tests.oracle.fields import Row
from tests.oracle.lots import spread
from tests.oracle.oracle import Oracle
from tests.oracle.takeover import Takeovers


class WatchedTakeovers(Takeovers):
    """Counts what a takeover looks at before it is made, and how fills are spread over lots."""

    seen: Counter[str]

    def take_over(self, unit: Unit, t: int) -> None:
        """Whose it is, what it is worth, and by what that is split."""
        book, account = self.replay.book, self.replay.landing.accounts.at(unit.account, t)
        assert account is not None and unit.episode is not None
        worth = book.equity(unit) + unit.debt
        who = "protected" if account["negative_balance_protected"] else "not protected"
        sign = "positive" if worth > 0 else "negative" if worth else "zero"
        self.seen[f"taken over: {sign}, {who}"] += 1
        self.seen["taken over with a debt"] += unit.debt > 0
        self.seen["taken over isolated"] += unit.isolation != ""
        self.seen["taken over late"] += t > unit.episode.t0
        self.seen["taken over after steps"] += unit.episode.steps > 0
        cooldown = self.replay.policy.at(t, "liquidation_cooldown_us")
        self.seen["taken over in a cool-down"] += bool(unit.episode.steps) and (
            t < unit.episode.last_step + cooldown
        )
        self.seen["taken over under backstop"] += self.replay.policy.at(t, "liquidation_style") == "backstop"
        self.of_split(unit, t, worth if account["negative_balance_protected"] else max(0, worth))
        super().take_over(unit, t)
        mine = [lot for lot in self.open if lot.simulated and lot.opened_at == t]
        self.seen["lot of negative value"] += sum(lot.value < 0 for lot in mine)
        self.seen["lots of several accounts at one instant"] += (
            len({lot.source.unit.account for lot in mine if lot.source}) > 1
        )
        self.seen["simulated lots with a real liquidator's name"] += any(
            lot.holder.account in self.replay.landing.accounts.rows for lot in mine
        )

    def of_split(self, unit: Unit, t: int, amount: int) -> None:
        """By margins, by values, or all to the first."""
        book = self.replay.book
        if amount == 0 or len(unit.positions) < 2:
            return
        margins = [book.margin_of(unit, i, t) for i in unit.positions]
        values = [book.value(i, abs(unit.positions[i][0]), book.marks[i]) for i in unit.positions]
        by = "margins" if any(margins) else "values" if any(values) else "name"
        self.seen[f"split by {by}"] += 1
        weights = margins if any(margins) else values
        total = sum(weights)
        parts = [Fraction(abs(amount) * w, total) % 1 for w in weights] if total else []
        self.seen["split with a tie"] += len(set(parts)) < len(parts) and any(parts)

    def recorded_fill(self, unit: Unit, row: Row, held: Fraction, total: int, fee: int) -> None:
        """How many lots a fill closes, and whether it turns the position."""
        before = list(self.replay.session.closings)
        opened = len(self.opened)
        super().recorded_fill(unit, row, held, total, fee)
        closings = self.replay.session.closings[len(before) :]
        turned = bool(closings) and len(self.opened) > opened
        self.seen["fill closes several lots"] += len(closings) > 1
        self.seen["fill turns a position"] += turned
        self.seen["fill increases a position"] += not closings and held != 0
        parts = [c.quantity for c in closings]
        for amount, name in ((total, "value"), (fee, "fee")):
            alone = [round(amount * part / row["quantity"]) for part in parts]
            self.seen[f"spread of a {name} is more than rounding"] += alone != (
                spread(amount, parts, row["quantity"])
            )


class Watched(Oracle):
    """A replay that counts what happens at ticks."""

    def __init__(self, root: Path, first: dt.date, last: dt.date) -> None:
        super().__init__(root, first, last, None, None)
        self.seen: Counter[str] = Counter()
        watched = WatchedTakeovers(self)
        watched.seen = self.seen
        self.takeovers = watched

    def evaluate(self, unit: Unit, t: int, execution: str, ticks: dict[str, Row]) -> None:
        """What is waited for, and what recovers."""
        before = unit.episode
        taken = before is not None and before.first_execution is not None
        ended = len(self.session.ended)
        steps = before.steps if before else 0
        super().evaluate(unit, t, execution, ticks)
        if execution != "simulated" or before is None or not any(i in ticks for i in before.held):
            return
        style = self.policy.at(t, "liquidation_style")
        if len(self.session.ended) > ended:
            self.seen["recovered after a step" if taken else "recovered before anything was closed"] += 1
        elif unit.positions and t >= before.t0 + self.policy.at(t, "latency_us"):
            if not self.book.all_marked(unit):
                self.seen[f"{style} without a mark"] += 1
            elif before.steps == steps and style != "takeover":
                self.seen["waits for the cool-down"] += 1

    def look_at_takers(self, t: int) -> None:
        """Who is left out of the event rules, and whose lots were opened together."""
        super().look_at_takers(t)
        for event in self.session.negative:
            if event["ts"] == t and event["cause"] == "takeover":
                instrument = event["closing"].lot.instrument
                self.seen["liquidator left out of an event rule"] += any(
                    instrument in u.positions and self.landing.is_liquidator(u.account)
                    for u in self.book.units.values()
                )
        same = Counter(
            (lot.holder.key, lot.instrument)
            for lot in self.takeovers.open
            if lot.opened_at == t and lot.lot_id
        )
        self.seen["several lots of an instant in one position"] += any(n > 1 for n in same.values())

    def simulated_fill(self, unit: Unit, t: int, tick: Row, quantity: Fraction) -> None:
        """The step, its share, and the cap of the fee."""
        assert unit.episode is not None
        instrument = tick["instrument_id"]
        size = abs(unit.positions[instrument][0])
        shares = self.policy.at(t, "liquidation_steps")
        share = shares[min(unit.episode.steps, len(shares) - 1)]
        small = self.policy.at(t, "liquidation_partial_above").get(unit.currency, Fraction(0))
        worth = self.book.value(instrument, size, self.book.marks[instrument])
        self.seen["step at the very amount"] += 0 < worth == self.ledger(small, unit.currency)
        self.seen["step in part"] += quantity < size
        self.seen["step of a small position in full"] += quantity == size and share < Fraction(1, 2)
        self.seen["step rounded up to a lot"] += share * size < quantity < size
        self.seen["step with a later share"] += 0 < unit.episode.steps < len(shares)
        self.seen["step beyond the last share"] += unit.episode.steps >= len(shares) > 1
        rate = self.policy.at(t, "liquidation_fee_rate")
        episode: Episode = unit.episode
        super().simulated_fill(unit, t, tick, quantity)
        fill = episode.fills[-1]
        if fill.fee < round(fill.value * rate):
            self.seen["fee capped" if fill.fee else "fee capped to nothing"] += 1
