"""One currency's fund while the steps of a session go by in columns: engine.rules.fund, a batch at a time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import Ledger, e18_to_units
from lossledger.engine.rules.fund import FundDay
from lossledger.store.amount_arrays import FITS, Amounts, exact_sum, to_amounts, to_decimals

# every other kind is an external movement
_KINDS = ("liquidation_fee", "surplus", "takeover_gain", "takeover_funding", "draw")
_DRAW = "draw"
_UNITS = pa.decimal128(38, 0)


class Entries(NamedTuple):
    """Rows of the fund's ledger: `steps` are those that moved it, `amounts` and `balances` in ledger units."""

    steps: pa.Table
    seq: Amounts
    amounts: Amounts
    balances: Amounts


class DrawRule(NamedTuple):
    """What a draw leaves in the fund, in ledger units, and whether it pays a deficit whole or not at all."""

    floor: int
    all_or_nothing: bool


@dataclass
class Fund:
    """`asked`: times, in order, at which its balance is wanted; `told` the balances after all movements up to them.

    `events`, `draws`: per batch the covered deficits, and what was drawn for them.
    """

    currency: str
    scale: int
    opening: int | None
    policy: Policy
    asked: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)
    events: list[pa.ChunkedArray] = field(default_factory=list)
    draws: list[Amounts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.balance = self.opening or 0
        self.lowest = self.opening
        self.totals = dict.fromkeys(("external", *_KINDS), 0)
        self.seq = self.draw_count = 0
        versions = self.policy.items()
        self._valid_from = np.array([start for start, _ in versions], np.int64)
        self._rules = [
            DrawRule(
                e18_to_units(terms.fund_floor.get(self.currency, 0), self.scale),
                terms.fund_draw_rule == "all_or_nothing",
            )
            for _, terms in versions
        ]

    def take(self, steps: pa.Table) -> Entries:
        """The ledger's rows of steps (ts, kind, amount, ref) in order; of a draw, `amount` is the deficit."""
        times = steps.column("ts").cast(pa.int64()).to_numpy()
        draws = pc.equal(steps.column("kind"), _DRAW).to_numpy()
        rules = [self._rules[k] for k in (np.searchsorted(self._valid_from, times, "right") - 1).tolist()]
        added, balances = fold(self.balance, rules, to_amounts(steps.column("amount")), draws)
        self._tell(times, balances)
        self.balance = int(balances[-1])
        self._count(steps, added, draws)
        moved = (added != 0).astype(bool)
        seq = self.seq + np.arange(1, int(moved.sum()) + 1)
        entries = Entries(steps.filter(pa.array(moved)), seq, added[moved], balances[moved])
        if len(seq):
            self.seq = int(seq[-1])
            least = int(entries.balances.min())
            self.lowest = least if self.lowest is None else min(self.lowest, least)
        return entries

    def _count(self, steps: pa.Table, added: Amounts, draws: Amounts) -> None:
        self.events.append(steps.column("ref").filter(pa.array(draws)))
        self.draws.append(-added[draws])
        self.draw_count += int((added[draws] < 0).sum())
        others = exact_sum(added)
        for kind in _KINDS:
            found = exact_sum(added[pc.equal(steps.column("kind"), kind).to_numpy()])
            self.totals[kind] += found
            others -= found
        self.totals["external"] += others

    def _tell(self, times: Amounts, balances: Amounts) -> None:
        """Note the balance for what is asked before the last of the steps."""
        while len(self.told) < len(self.asked) and self.asked[len(self.told)] < times[-1]:
            before = int(np.searchsorted(times, self.asked[len(self.told)], "right"))
            self.told.append(int(balances[before - 1]) if before else self.balance)

    def day(self) -> FundDay:
        """What became of the fund, when all steps have been taken."""
        self.told += [self.balance] * (len(self.asked) - len(self.told))
        t = self.totals
        return FundDay(
            self.currency,
            opening=Ledger(self.opening or 0),
            external=Ledger(t["external"]),
            liquidation_fees=Ledger(t["liquidation_fee"]),
            surplus=Ledger(t["surplus"]),
            takeover_gains=Ledger(t["takeover_gain"]),
            takeover_funding=Ledger(t["takeover_funding"]),
            draws=Ledger(t["draw"]),
            closing=Ledger(self.balance),
            lowest=Ledger(self.lowest or 0),
            draw_count=self.draw_count,
        )

    def drawn(self) -> pa.Table:
        """What was drawn for each covered deficit: event_id, draw."""
        events = [chunk for column in self.events for chunk in column.chunks]
        draws = [to_decimals(draws) for draws in self.draws]
        return pa.table(
            {"event_id": pa.chunked_array(events, pa.string()), "draw": pa.chunked_array(draws, _UNITS)}
        )


def fold(
    balance: int, rules: Sequence[DrawRule], amounts: Amounts, draws: Amounts
) -> tuple[Amounts, Amounts]:
    """What each step adds to the balance, and the balances after them, in ledger units.

    `draws`: which steps are covered deficits. These take min(deficit, max(0, balance − floor)), or nothing where that
    is not all and the rule wants all. Python's
    integers cannot overflow, and a quarter of a microsecond a step is less than what its row costs to write.
    """
    added, balances = [], []
    for rule, amount, draw in zip(rules, amounts.tolist(), draws.tolist(), strict=True):
        change = amount
        if draw:
            drawn = min(amount, max(0, balance - rule.floor))
            change = 0 if rule.all_or_nothing and drawn < amount else -drawn
        balance += change
        added.append(change)
        balances.append(balance)
    large = max(map(abs, (*added, *balances)), default=0) >= FITS
    kind = object if large else np.int64
    return np.array(added, kind), np.array(balances, kind)
