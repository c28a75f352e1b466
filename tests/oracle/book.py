"""Contract values, units, sharing by largest remainder: sections 1 to 6, 11 and 14 at one point in time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, TypeVar

from tests.oracle.fields import OracleError, Row
from tests.oracle.landing import Landing

Key = TypeVar("Key")
UnitKey = tuple[str, str, str]
FLOWS = ("transfers", "realised", "fees", "funding", "reset", "surplus", "charge", "new_debt", "recovered")


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


class Episode:
    """An open or ended liquidation of one unit."""

    def __init__(self, unit: Unit, t0: int, trigger: str, execution: str, equity: int, margin: int) -> None:
        self.unit, self.t0, self.trigger, self.execution = unit, t0, trigger, execution
        self.equity, self.margin = equity, margin
        self.first_execution: int | None = None
        self.fills: list[tuple[str, Fraction, int, int]] = []  # instrument, signed quantity, V, fee
        self.components: Counter[tuple[str, str]] = Counter()
        self.add("cushion", "", -margin)
        self.add("headroom", "", -max(0, equity - margin))
        self.add("gap_in_cushion", "", min(max(0, margin - equity), margin))
        self.add("gap_past_bankruptcy", "", max(0, -equity))
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

    def __init__(self, landing: Landing) -> None:
        self.landing = landing
        self.units: dict[UnitKey, Unit] = {}
        self.marks: dict[str, Fraction] = {}

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
        exact = quantity * spec["multiplier"]
        exact = exact / price if spec["kind"] == "inverse" else exact * price
        return round(Fraction(exact * self.scale(spec["settlement_currency"])))

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
        total = 0
        for instrument, (quantity, entry) in unit.positions.items():
            mark = self.marks.get(instrument)
            notional = entry if mark is None else self.value(instrument, abs(quantity), mark)
            total += self.margin_of(instrument, notional, unit.currency, t)
        return total

    def margin_of(self, instrument: str, notional: int, currency: str, t: int) -> int:
        """ceil(n x rate - deduction) with the table effective at t."""
        tables = self.landing.tiers.get(instrument, {})
        dates = [since for since in tables if since <= t]
        if not dates:
            raise OracleError(3, f"{instrument} is held without an effective margin table")
        deduction = Fraction(0)
        previous_rate: Fraction | None = None
        required = Fraction(0)
        for floor, rate in tables[max(dates)]:
            floor_units = floor * self.scale(currency)
            if floor_units > notional:
                break
            if previous_rate is not None:
                deduction += floor_units * (rate - previous_rate)
            previous_rate = rate
            required = notional * rate - deduction
        return math.ceil(required)

    def breached(self, unit: Unit, t: int, trigger: str) -> bool:
        """The policy's comparison of equity and maintenance margin."""
        equity, margin = self.equity(unit), self.margin(unit, t)
        return equity <= margin if trigger == "lte" else equity < margin

    def all_marked(self, unit: Unit) -> bool:
        """Whether every held instrument has a mark."""
        return all(i in self.marks for i in unit.positions)

    def is_house(self, account: str) -> bool:
        """Whether the account is of type house (no version can change it)."""
        return bool(self.landing.accounts.rows[account][0]["account_type"] == "house")


def largest_remainder(amount: int, weights: Mapping[Key, int | Fraction], order: list[Key]) -> dict[Key, int]:
    """Whole units of `amount` by weight; the rest to the largest fractions, ties to the first of `order`."""
    total = sum(weights.values())
    exact = {k: Fraction(amount * weights[k], 1) / total for k in order}
    shares = {k: math.floor(exact[k]) for k in order}
    left = amount - sum(shares.values())
    rank = {k: n for n, k in enumerate(order)}
    for k in sorted(order, key=lambda k: (-(exact[k] - shares[k]), rank[k]))[:left]:
        shares[k] += 1
    return shares


def charge_up_to(loss: int, basis: Mapping[str, int]) -> dict[str, int]:
    """Section 11: everybody's basis if the loss is at least their sum, else by largest remainder."""
    if loss >= sum(basis.values()):
        return dict(basis)
    return largest_remainder(loss, basis, sorted(basis))


def open_interest_shares(
    book: Book, shortfall: int, own: str, instruments: set[str]
) -> tuple[Counter[str], int]:
    """Charges per account and what is uncovered when one shortfall is shared by open interest."""
    weights: dict[UnitKey, int] = {}
    for key, unit in book.units.items():
        if unit.account == own:
            continue
        weight = sum(
            book.value(i, abs(unit.positions[i][0]), book.marks[i])
            for i in instruments
            if i in unit.positions and i in book.marks
        )
        if weight > 0:
            weights[key] = weight
    charges: Counter[str] = Counter()
    if not weights:
        return charges, shortfall
    # All keys here have the currency of the event, so their order is that of (account_id, isolation).
    for key, share in largest_remainder(shortfall, weights, sorted(weights)).items():
        charges[key[0]] += share
    return charges, 0


def adl_queue(book: Book, own: str, instrument: str, signed: Fraction) -> list[UnitKey]:
    """Units that would be deleveraged for liquidation fills of that signed quantity, the first first."""
    ranked: list[tuple[Fraction, UnitKey]] = []
    for key, unit in book.units.items():
        if unit.account == own or instrument not in unit.positions:
            continue
        quantity, entry = unit.positions[instrument]
        profit, equity = book.upnl_of(unit, instrument), book.equity(unit)
        if quantity * signed > 0 and profit > 0 and entry > 0 and equity > 0:
            notional = book.value(instrument, abs(quantity), book.marks[instrument])
            ranked.append((-Fraction(profit, entry) * Fraction(notional, equity), key))
    return [key for _, key in sorted(ranked)]


def adl_shares(
    book: Book, shortfall: int, own: str, fills: list[tuple[str, Fraction, int, int]]
) -> tuple[Counter[str], int]:
    """Charges per account and what is uncovered when one shortfall is shared along the ADL queue."""
    charges: Counter[str] = Counter()
    values: Counter[str] = Counter()
    signed: dict[str, Fraction] = {}
    for instrument, quantity, value, _ in fills:
        values[instrument] += value
        signed[instrument] = signed.get(instrument, Fraction(0)) + quantity
    if sum(values.values()) == 0:
        return charges, shortfall
    uncovered = 0
    for instrument, part in largest_remainder(shortfall, values, sorted(values)).items():
        wanted = abs(signed[instrument])
        if wanted == 0 or instrument not in book.marks:
            uncovered += part
            continue
        left = wanted
        given: dict[Any, Fraction] = {}
        for key in adl_queue(book, own, instrument, signed[instrument]):
            taken = min(abs(book.units[key].positions[instrument][0]), left)
            if taken > 0:
                given[key] = taken
                left -= taken
        order: list[Any] = sorted(given)
        if left > 0:
            given[None] = left
            order.append(None)
        for key, share in largest_remainder(part, given, order).items():
            if key is None:
                uncovered += share
            else:
                charges[key[0]] += share
    return charges, uncovered
