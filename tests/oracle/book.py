"""Contract values, units and episodes at one point in time: sections 1 to 6."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from typing import NamedTuple

from tests.oracle.fields import OracleError, Row
from tests.oracle.landing import Landing
from tests.oracle.policy import Policy

UnitKey = tuple[str, str, str]
FLOWS = (
    "transfers",
    "realised",
    "fees",
    "funding",
    "reset",
    "surplus",
    "charge",
    "settlement",
    "new_debt",
    "recovered",
)


class Unit:
    """A risk unit: wallet and entry values in ledger units, quantities exact and signed."""

    def __init__(self, key: UnitKey) -> None:
        self.key = key
        self.account, self.currency, self.isolation = key
        self.wallet = 0
        self.debt = 0
        self.positions: dict[str, tuple[Fraction, int]] = {}
        self.episode: Episode | None = None
        self.opening_wallet = 0
        self.opening_upnl = 0
        self.opening_debt = 0
        self.flows: Counter[str] = Counter()
        self.active = False

    def roll(self, upnl: int) -> None:
        """Starts a new session with what is there."""
        self.opening_wallet, self.opening_upnl, self.opening_debt = self.wallet, upnl, self.debt
        self.flows = Counter()
        self.active = False


class Held(NamedTuple):
    """A position as it stands: signed quantity, entry value and maintenance margin in ledger units."""

    quantity: Fraction
    entry: int
    margin: int


class LiquidationFill(NamedTuple):
    """A fill of an episode's liquidation: signed quantity, V (at a takeover X) and fee in ledger units."""

    instrument: str
    quantity: Fraction
    value: int
    fee: int


class Episode:
    """An open or ended liquidation of one unit, and what the unit was at its start."""

    def __init__(self, unit: Unit, t0: int, trigger: str, execution: str, book: Book) -> None:
        self.unit, self.t0, self.trigger, self.execution = unit, t0, trigger, execution
        self.held = {
            i: Held(quantity, entry, book.margin_of(unit, i, t0))
            for i, (quantity, entry) in unit.positions.items()
        }
        self.marks = dict(book.marks)
        self.equity = book.equity(unit)
        self.margin = sum(held.margin for held in self.held.values())
        self.first_execution: int | None = None
        self.fills: list[LiquidationFill] = []
        self.steps = 0
        self.last_step = 0
        self.components: Counter[tuple[str, str]] = Counter()
        self.add("cushion", "", -self.margin)
        self.add("headroom", "", -max(0, self.equity - self.margin))
        self.add("gap_in_cushion", "", min(max(0, self.margin - self.equity), self.margin))
        self.add("gap_past_bankruptcy", "", max(0, -self.equity))
        self.ended_at = 0
        self.end_reason = ""
        self.terminal_equity = 0
        self.surplus = 0
        self.deficit = 0

    def add(self, component: str, instrument: str, amount: int) -> None:
        """Adds to a cause; '' = no instrument."""
        self.components[component, instrument] += amount


class Book:
    """All units and marks at the present moment of the replay."""

    def __init__(self, landing: Landing, policy: Policy) -> None:
        self.landing, self.policy = landing, policy
        self.units: dict[UnitKey, Unit] = {}
        self.marks: dict[str, Fraction] = {}
        self.known_brackets: dict[tuple[str, int, int], list[tuple[Fraction, Fraction, Fraction]]] = {}

    def unit(self, key: UnitKey) -> Unit:
        """The unit of a key, made at its first use."""
        return self.units.setdefault(key, Unit(key))

    def scale(self, currency: str) -> int:
        """Ledger units in one unit of the currency."""
        return int(10 ** self.landing.currencies[currency])

    def spec(self, instrument: str) -> Row:
        """The instrument's first version: what no later version may change."""
        return self.landing.instruments.rows[instrument][0]

    def direction(self, instrument: str) -> int:
        """d: -1 for inverse contracts."""
        return -1 if self.spec(instrument)["kind"] == "inverse" else 1

    def value(self, instrument: str, quantity: Fraction, price: Fraction) -> int:
        """V(q, p) in ledger units."""
        spec = self.spec(instrument)
        by = 1 / price if spec["kind"] == "inverse" else price
        size, scale = spec["multiplier"], self.scale(spec["settlement_currency"])
        # One fraction: products of fractions are reduced at every step, and this is most of the oracle's time.
        top = quantity.numerator * size.numerator * by.numerator * scale
        return round(Fraction(top, quantity.denominator * size.denominator * by.denominator))

    def upnl_of(self, unit: Unit, instrument: str) -> int:
        """uPnL of one position, 0 without a position or a mark."""
        if instrument not in unit.positions or instrument not in self.marks:
            return 0
        quantity, entry = unit.positions[instrument]
        side = 1 if quantity > 0 else -1
        mark_value = self.value(instrument, abs(quantity), self.marks[instrument])
        return side * self.direction(instrument) * (mark_value - entry)

    def upnl(self, unit: Unit) -> int:
        """Sum of the unit's uPnL."""
        return sum(self.upnl_of(unit, i) for i in unit.positions)

    def equity(self, unit: Unit) -> int:
        """W + uPnL."""
        return unit.wallet + self.upnl(unit)

    def margin(self, unit: Unit, t: int) -> int:
        """Sum of the maintenance margins at time t."""
        return sum(self.margin_of(unit, i, t) for i in unit.positions)

    def margin_of(self, unit: Unit, instrument: str, t: int) -> int:
        """Maintenance margin of a position: ceil(n x rate - deduction) with the table effective at t.

        Without the deduction when the margin is on the whole position; its floors may then be quantities.
        """
        quantity, notional = unit.positions[instrument]
        if instrument in self.marks:
            notional = self.value(instrument, abs(quantity), self.marks[instrument])
        tables = self.landing.tiers.get(instrument, {})
        dates = [since for since in tables if since <= t]
        if not dates:
            raise OracleError(3, f"{instrument} is held without an effective margin table")
        by_quantity = self.policy.at(t, "tier_floor") == "quantity"
        size = abs(quantity) if by_quantity else Fraction(notional)
        scale = 1 if by_quantity else self.scale(unit.currency)
        _, rate, deduction = next(
            (row for row in reversed(self.brackets(instrument, max(dates), scale)) if row[0] <= size),
            (0, Fraction(0), Fraction(0)),
        )
        if self.policy.at(t, "margin_on") == "whole":
            deduction = Fraction(0)
        return math.ceil(notional * rate - deduction)

    def brackets(self, instrument: str, since: int, scale: int) -> list[tuple[Fraction, Fraction, Fraction]]:
        """Of a margin table: floor of each bracket x scale, rate, and deduction of all below it."""
        key = instrument, since, scale
        if key not in self.known_brackets:
            found: list[tuple[Fraction, Fraction, Fraction]] = []
            deduction, previous = Fraction(0), None
            for floor, rate in self.landing.tiers[instrument][since]:
                floor_units = floor * scale
                if previous is not None:
                    deduction += floor_units * (rate - previous)
                previous = rate
                found.append((floor_units, rate, deduction))
            self.known_brackets[key] = found
        return self.known_brackets[key]

    def breached(self, unit: Unit, t: int, trigger: str) -> bool:
        """The policy's comparison of equity and maintenance margin."""
        equity, margin = self.equity(unit), self.margin(unit, t)
        return equity <= margin if trigger == "lte" else equity < margin

    def all_marked(self, unit: Unit) -> bool:
        """Whether every held instrument has a mark."""
        return all(i in self.marks for i in unit.positions)

    def is_client(self, account: str) -> bool:
        """Whether the account can be liquidated and charged: no market maker, no liquidator."""
        return self.landing.account_type(account) == "client"
