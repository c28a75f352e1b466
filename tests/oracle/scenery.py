"""The setting of a generated market: policy, contracts, margin tables, accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.oracle.delivery import Delivery, iso
from tests.oracle.id_styles import STYLES

SECOND = 1_000_000
MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE
LONG_AGO = "2020-01-01"
ZERO = Decimal(0)
UnitKey = tuple[str, str, str]


def midnight(day: dt.date) -> int:
    """00:00 UTC of a date in microseconds since the epoch."""
    return (day - dt.date(1970, 1, 1)).days * DAY


@dataclass
class Instrument:
    """A contract and the state of its price; `versions` are (valid_from, tick, lot)."""

    name: str
    kind: str
    settlement: str
    multiplier: Decimal
    price: Decimal
    versions: list[tuple[int, Decimal, Decimal]]
    marked_from: int | None
    unit: Decimal
    tiers: list[tuple[int, list[tuple[Decimal, Decimal]]]] = field(default_factory=list)
    mark: Decimal | None = None
    ticked_at: int | None = None

    def step(self, t: int) -> tuple[Decimal, Decimal]:
        """Tick and lot size at t."""
        _, tick, lot = [v for v in self.versions if v[0] <= t][-1]
        return tick, lot

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Contract value, to a ledger unit."""
        raw = (
            quantity * self.multiplier / price
            if self.kind == "inverse"
            else quantity * self.multiplier * price
        )
        return raw.quantize(self.unit)

    def margin(self, t: int, notional: Decimal) -> Decimal:
        """Maintenance margin of a notional with the table effective at t."""
        _, table = [tiers for tiers in self.tiers if tiers[0] <= t][-1]
        required = deduction = previous = ZERO
        for floor, rate in table:
            if floor <= notional:
                deduction += floor * (rate - previous)
                required = notional * rate - deduction
            previous = rate
        return required.quantize(self.unit, ROUND_CEILING)

    def worth(self, quantity: Decimal, entry: Decimal, price: Decimal) -> Decimal:
        """Rough uPnL of a signed quantity."""
        sign = (1 if quantity > 0 else -1) * (-1 if self.kind == "inverse" else 1)
        return sign * (self.value(abs(quantity), price) - entry)


@dataclass
class Unit:
    """The generator's rough view of a risk unit, to trade and liquidate with some sense."""

    wallet: Decimal = ZERO
    positions: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    in_liquidation: bool = False


class Scenery:
    """The reference data of one market; every choice comes from one generator."""

    def __init__(self, landing: Path, seed: int, execution: str, takeover: bool = False) -> None:
        self.rng = Random(f"{seed} {execution}")
        self.takeover = takeover
        self.liquidators: list[str] = []
        self.seed, self.landing, self.execution = seed, landing, execution
        self.out = Delivery(landing, self.rng, self.chance(30), STYLES[seed % len(STYLES)])
        self.ids = count(1)
        self.first = dt.date(2024, 2, 28) + dt.timedelta(days=self.rng.randrange(600))
        self.last = self.first + dt.timedelta(days=self.rng.randrange(1, 3 if takeover else 4))
        self.queue: list[tuple[int, int, Callable[[int], None]]] = []
        self.units: dict[UnitKey, Unit] = {}
        self.currencies = dict(
            self.rng.sample([("USD", 2), ("XBT", 8), ("JPY", 0), ("EUR", 3), ("ETX", 6)], 3)
        )
        if self.chance(40):
            self.currencies.popitem()
        self.base = {
            "USD": Decimal(1000),
            "XBT": Decimal("0.5"),
            "JPY": Decimal(20000),
            "EUR": Decimal(700),
            "ETX": Decimal(30),
        }
        self.share_sides = self.chance(50)
        self.make_policy()
        self.make_instruments()
        self.make_accounts()

    def day_of(self, t: int) -> str:
        """The folder date of an instant."""
        return (dt.date(1970, 1, 1) + dt.timedelta(days=t // DAY)).isoformat()

    def chance(self, percent: int) -> bool:
        """True in that many of a hundred cases."""
        return self.rng.randrange(100) < percent

    def new_id(self, prefix: str) -> str:
        """An id whose code-point order is not the order of time."""
        number = next(self.ids)
        return f"{prefix}{self.rng.choice('aBz0_')}{number}" if self.chance(50) else f"{prefix}{number:05d}"

    def money(self, amount: Decimal, currency: str) -> Decimal:
        """An amount cut to ledger units."""
        return amount.quantize(self.unit_of(currency))

    def unit_of(self, currency: str) -> Decimal:
        """The ledger unit of a currency."""
        return Decimal(1).scaleb(-self.currencies[currency])

    def make_policy(self) -> None:
        """Entries of the policy and the instants at which something changes or ends."""
        rng = self.rng
        start = rng.choice(["00:00", "00:00", "08:00", "16:30", "23:59"])
        floors = {c: str(self.money(self.base[c] * rng.randrange(0, 30) / 1000, c)) for c in self.currencies}
        entry: dict[str, Any] = {
            "valid_from": LONG_AGO,
            "execution": self.execution,
            "session_start": start,
            "quarantine_max_share": "1",
            **self.policy_values(),
            "fund_floor": floors,
        }
        self.entries = [entry]
        self.starts = {}
        days = [self.first + dt.timedelta(days=n) for n in range((self.last - self.first).days + 2)]
        changes: list[tuple[int, dict[str, Any]]] = []
        if self.chance(35):
            day = rng.choice(days[1:])
            changes.append(
                (midnight(day), {"session_start": rng.choice(["00:00", "05:00", "12:15", "20:00"])})
            )
        for day in days:
            for since, values in changes:
                if since <= midnight(day):
                    start = values["session_start"]
            self.starts[day] = midnight(day) + (int(start[:2]) * 60 + int(start[3:])) * MINUTE
        self.bounds = [self.starts[d] for d in days]
        for _ in range(rng.choice([0, 0, 1, 2, 3])):
            since = rng.choice([*self.bounds[:-1], midnight(rng.choice(days[:-1])), *self.instants_of(1)])
            values = self.policy_values()
            picked = dict(rng.sample(sorted(values.items()), rng.randrange(1, len(values))))
            if self.chance(30):
                picked["fund_floor"] = {c: floors[c] for c in self.currencies if self.chance(50)}
            changes.append((since, picked))
        times = {since for since, _ in changes}
        for since in sorted(times, key=lambda _: rng.random()):
            merged: dict[str, Any] = {"valid_from": rng.choice([iso(since), since])}
            for when, values in changes:
                if when == since:
                    merged.update(values)
            self.entries.append(merged)

    def policy_values(self) -> dict[str, Any]:
        """A value for every key that may change freely."""
        rng = self.rng
        return {
            "trigger": rng.choice(["lt", "lte"]),
            "latency_us": rng.choice([0, 0, 1, 30 * SECOND, 90 * SECOND, 25 * MINUTE]),
            "slippage_rate": rng.choice(["0", "0.0015", "0.01", "0.07"]),
            "liquidation_fee_rate": rng.choice(["0", "0.0005", "0.01"]),
            "liquidation_fee_to": rng.choice(["fund", "fund", "venue"]),
            "residual": rng.choice(["to_account", "to_fund"]),
            "sharing": rng.choice(
                ["session_profit_prorata", "session_profit_prorata", "equity_prorata", "none"]
            ),
            "profit_floor_rate": rng.choice(["0", "0.01", "0.3", "1"]),
        }

    def instants_of(self, number: int) -> list[int]:
        """Random round instants inside the run."""
        span = (self.bounds[-1] - self.bounds[0]) // (10 * MINUTE)
        return [self.bounds[0] + self.rng.randrange(span) * 10 * MINUTE for _ in range(number)]

    def make_instruments(self) -> None:
        """Two to five contracts, some with later versions, some never or late marked."""
        rng = self.rng
        self.instruments: dict[str, Instrument] = {}
        for n in range(rng.randrange(2, 6)):
            kind = rng.choice(["linear", "linear", "inverse", "quanto"])
            name = rng.choice("zAmQ") + f"{kind[:3].upper()}{n}"
            price = Decimal(rng.choice(["0.37", "12.5", "100", "2500", "61234.5"]))
            # A coarse tick, now and then: slippage below one tick.
            coarse = self.chance(12)
            tick = Decimal(1).scaleb(price.adjusted() - (0 if coarse else 3)) * (
                1 if coarse else rng.choice([1, 5, 25])
            )
            settlement = rng.choice(sorted(self.currencies))
            multiplier = Decimal(rng.choice(["1", "0.01", "0.0037", "3", "100"]))
            # One lot is worth a hundredth to a tenth of an ordinary wallet.
            aim = self.base[settlement] / rng.choice([10, 40, 100])
            raw = aim * price / multiplier if kind == "inverse" else aim / (multiplier * price)
            lot = Decimal(1).scaleb(raw.adjusted()) * rng.choice([1, 2, 3])
            versions = [(0, tick, lot)]
            if self.chance(30):
                since = rng.choice([*self.bounds[1:-1], *self.instants_of(1)])
                versions.append(
                    (since, tick * rng.choice([2, 1]) / rng.choice([1, 4]), lot / rng.choice([1, 2, 10]))
                )
            marked_from: int | None = 0
            if n >= 2 and self.chance(35):
                marked_from = rng.choice([None, self.instants_of(1)[0]])
            self.instruments[name] = Instrument(
                name, kind, settlement, multiplier, price, versions, marked_from, self.unit_of(settlement)
            )
            self.add_instrument(self.instruments[name])
            self.make_tiers(name, settlement)
        for currency, scale in sorted(self.currencies.items()):
            self.out.add("currencies", "", {"currency": currency, "scale": str(scale)})

    def add_instrument(self, instrument: Instrument) -> None:
        """The versions of a contract as delivered rows."""
        for since, tick_size, lot_size in instrument.versions:
            self.out.add(
                "instruments",
                "",
                {
                    "instrument_id": instrument.name,
                    "kind": instrument.kind,
                    "base_currency": "B",
                    "quote_currency": "Q",
                    "settlement_currency": instrument.settlement,
                    "multiplier": instrument.multiplier,
                    "tick_size": tick_size,
                    "lot_size": lot_size,
                    "valid_from": since or midnight(dt.date(2020, 1, 1)),
                },
            )

    def make_tiers(self, name: str, settlement: str) -> None:
        """One or two margin tables of one to three tiers."""
        dates = [midnight(dt.date(2020, 1, 1))]
        if self.chance(40):
            dates.append(self.rng.choice([*self.bounds[1:-1], *self.instants_of(2)]))
        for since in dates:
            rate = Decimal(self.rng.choice(["0.004", "0.01", "0.03", "0.0625"]))
            floor = ZERO
            table: list[tuple[Decimal, Decimal]] = []
            self.instruments[name].tiers.append((since, table))
            for _ in range(self.rng.randrange(1, 4)):
                table.append((floor, rate))
                self.out.add(
                    "margin_tiers",
                    "",
                    {
                        "instrument_id": name,
                        "valid_from": since,
                        "notional_floor": floor,
                        "maintenance_rate": rate,
                    },
                )
                floor += self.base[settlement] * self.rng.choice([Decimal(1), Decimal(3), Decimal("7.777")])
                rate += Decimal(self.rng.choice(["0", "0.005", "0.02"]))

    def make_accounts(self) -> None:
        """Four to ten accounts with later versions of class and protection."""
        rng = self.rng
        self.houses = ["house-mm"] + (["House_liq"] if self.chance(40) else [])
        self.clients = [f"{rng.choice('caZ')}{n:02d}" for n in range(rng.randrange(3, 9))]
        long_ago = midnight(dt.date(2020, 1, 1))
        for name in self.houses + self.clients:
            house = name in self.houses
            times = [long_ago]
            if not house and self.chance(35):
                times += sorted({rng.choice([*self.bounds[1:-1], *self.instants_of(2)])})
            for since in times:
                client_class = rng.choice(["retail", "retail", "professional", "institutional"])
                self.add_account(name, "house" if house else "client", client_class, self.chance(70), since)

    def add_account(
        self, name: str, account_type: str, client_class: str, protected: bool, since: int
    ) -> None:
        """A version of an account as a delivered row."""
        self.out.add(
            "accounts",
            "",
            {
                "account_id": name,
                "account_type": account_type,
                "client_class": client_class,
                "negative_balance_protected": protected,
                "valid_from": since,
            },
        )
