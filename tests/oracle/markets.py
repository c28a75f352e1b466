"""Seeded small hostile markets: landing zones that reach the corners which random markets seldom reach."""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.desk import Desk
from tests.oracle.scenery import DAY, MINUTE, SECOND, ZERO, Instrument, Scenery, Unit, UnitKey, midnight
from tests.oracle.scenes import Stage
from tests.oracle.seizures import Seizures
from tests.oracle.spoil import add_bad_rows
from tests.oracle.takeover_terms import Terms


class Market(Scenery):
    """The events of one market; with `takeover`, of one with liquidators, on fewer instants."""

    def __init__(self, landing: Path, seed: int, execution: str, takeover: bool = False) -> None:
        super().__init__(landing, seed, execution, takeover)
        self.desk = Desk(self) if takeover else None
        if self.desk:
            self.desk.add_accounts()

    def emit(self, dataset: str, t: int, **row: Any) -> None:
        """A delivered row, now and then twice."""
        for _ in range(2 if self.chance(1) else 1):
            self.out.add(dataset, self.day_of(t), {"ts": t, **row})

    def unit(self, key: UnitKey) -> Unit:
        """The rough book of a unit."""
        return self.units.setdefault(key, Unit())

    def transfer(self, t: int, key: UnitKey, amount: Decimal, kind: str) -> None:
        """A transfer of a unit."""
        amount = self.money(amount, key[1])
        self.unit(key).wallet += amount
        self.emit(
            "transfers",
            t,
            transfer_id=self.new_id("t"),
            account_id=key[0],
            currency=key[1],
            isolation=key[2] or None,
            amount=amount,
            kind=kind,
        )

    def equity(self, key: UnitKey) -> Decimal:
        """Rough equity at the present prices."""
        unit = self.unit(key)
        return unit.wallet + sum(
            (
                self.instruments[i].worth(q, ev, self.instruments[i].price)
                for i, (q, ev) in unit.positions.items()
            ),
            ZERO,
        )

    def side(
        self,
        t: int,
        key: UnitKey,
        instrument: Instrument,
        signed: Decimal,
        price: Decimal,
        kind: str,
        trade: str,
        fee: Decimal,
    ) -> None:
        """One side of a trade: the delivered fill and the rough book."""
        fee = self.money(fee, key[1])
        self.emit(
            "fills",
            t,
            fill_id=self.new_id("f"),
            trade_id=trade,
            account_id=key[0],
            instrument_id=instrument.name,
            isolated=True if key[2] else self.rng.choice([False, None]),
            side="buy" if signed > 0 else "sell",
            price=price,
            quantity=abs(signed),
            fee=fee,
            kind=kind,
        )
        unit = self.unit(key)
        unit.wallet -= fee
        if self.execution == "simulated" and kind in ("liquidation", "adl"):
            return
        quantity, entry = unit.positions.pop(instrument.name, (ZERO, ZERO))
        if quantity * signed < 0:
            closed = min(abs(signed), abs(quantity))
            out = (entry * closed / abs(quantity)).quantize(instrument.unit)
            unit.wallet += instrument.worth(closed if quantity > 0 else -closed, out, price)
            entry -= out
            if abs(signed) > abs(quantity):
                entry = instrument.value(abs(signed) - abs(quantity), price)
        else:
            entry += instrument.value(abs(signed), price)
        if quantity + signed != 0:
            unit.positions[instrument.name] = (quantity + signed, entry)

    def on_tick(self, instrument: Instrument, t: int, price: Decimal) -> Decimal:
        """A price on the tick size, at least one tick."""
        tick, _ = instrument.step(t)
        return max(tick, (price / tick).to_integral_value() * tick)

    def lots(self, instrument: Instrument, t: int, quantity: Decimal) -> Decimal:
        """A quantity cut to the lot size."""
        _, lot = instrument.step(t)
        return (quantity // lot) * lot

    def trade(
        self,
        t: int,
        key: UnitKey,
        instrument: Instrument,
        signed: Decimal,
        kind: str = "normal",
        gap: int = 0,
        price: Decimal | None = None,
    ) -> None:
        """A trade against the house, a client, two of them or nobody; `gap`: thousandths against the unit."""
        rng = self.rng
        size = self.lots(instrument, t, abs(signed))
        if size == 0:
            return
        signed = size if signed > 0 else -size
        against = 1 if signed > 0 else -1
        if self.desk and kind == "liquidation":
            price = price or self.desk.bankruptcy_price(key, instrument)
        price = self.on_tick(instrument, t, price or instrument.price * (1000 + against * gap) / 1000)
        value = instrument.value(size, price)
        fee = value * rng.choice([0, 0, 1, 5, -2, 20]) / 10000
        trade = self.new_id("x")
        # Sides in two sessions: either one may be the late one.
        split = self.share_sides and t + 1 in self.bounds
        own_late = split and self.chance(50)
        self.side(t + 1 if own_late else t, key, instrument, signed, price, kind, trade, fee)
        if self.desk and kind == "liquidation" and self.desk.takes(t, key, instrument, signed, price, trade):
            return
        if self.chance(3):
            return
        counter_kind = "adl" if kind == "liquidation" and self.chance(35) else "normal"
        left = size
        others = [c for c in self.clients if c != key[0]] if counter_kind == "adl" or self.chance(30) else []
        for n in range(2):
            part = self.lots(instrument, t, left / 2) if n == 0 and self.chance(20) else left
            if n == 0 and self.chance(2):
                part = self.lots(instrument, t, part / 2)
                left = part
            if part > 0:
                other = rng.choice(others or self.houses)
                isolation = instrument.name if self.chance(15) else ""
                later = rng.choice([1, 1, 5 * MINUTE]) if self.share_sides and self.chance(5) else 0
                late = t + later if self.day_of(t + later) == self.day_of(t) else t
                if split:
                    late = t if own_late else t + 1
                self.side(
                    late,
                    (other, instrument.settlement, isolation),
                    instrument,
                    part if signed < 0 else -part,
                    price,
                    counter_kind,
                    trade,
                    value * rng.choice([0, 0, 2, -1]) / 10000,
                )
            left -= part

    def tick(self, t: int, instrument: Instrument, jump: int) -> None:
        """Moves the price by thousandths and publishes it, unless the instrument has no marks yet."""
        tick, _ = instrument.step(t)
        fine = tick / self.rng.choice([1, 1, 10])
        moved = instrument.price * (1000 + jump) / 1000
        instrument.price = max(tick, (moved / fine).to_integral_value() * fine)
        if instrument.marked_from is None or t < instrument.marked_from:
            return
        instrument.mark, instrument.ticked_at = instrument.price, t
        spread = self.rng.choice([1, 2, 30])
        bid = instrument.price * (10000 - spread) / 10000
        ask = instrument.price * (10000 + spread) / 10000
        self.emit(
            "ticks",
            t,
            instrument_id=instrument.name,
            mark_price=instrument.price,
            index_price=instrument.price if self.chance(30) else None,
            bid=self.fine(bid) if self.chance(70) else None,
            ask=self.fine(ask) if self.chance(70) else None,
        )

    def fine(self, price: Decimal) -> Decimal:
        """A quote of at most seven significant digits more than the price has."""
        return price.quantize(Decimal(1).scaleb(price.adjusted() - 7))

    def later(self, t: int, act: Callable[[int], None]) -> None:
        """Queues an action."""
        heapq.heappush(self.queue, (t, next(self.ids), act))

    def random_unit(self) -> tuple[UnitKey, Instrument]:
        """A client's cross or isolated unit with an instrument to trade in it."""
        instrument = self.rng.choice(list(self.instruments.values()))
        isolation = instrument.name if self.chance(25) else ""
        return (self.rng.choice(self.clients), instrument.settlement, isolation), instrument

    def open_something(self, t: int) -> None:
        """A client trades with leverage, after a deposit if there is nothing to trade on."""
        key, instrument = self.random_unit()
        base = self.base[key[1]]
        unit = self.unit(key)
        if unit.in_liquidation and self.chance(70):
            return
        if self.equity(key) < base / 10 and self.chance(80):
            self.transfer(t, key, base * self.rng.randrange(20, 150) / 100, "deposit")
        leverage = self.rng.choice([1, 3, 8, 15, 25])
        notional = max(self.equity(key), base / 20) * leverage
        price = instrument.price
        size = (
            notional * price / instrument.multiplier
            if instrument.kind == "inverse"
            else (notional / (instrument.multiplier * price))
        )
        kind = "settlement" if self.chance(3) else "normal"
        self.trade(t, key, instrument, size if self.chance(50) else -size, kind, self.rng.randrange(-3, 4))

    def close_something(self, t: int) -> None:
        """A client closes or flips a position by itself."""
        held = [
            (k, i) for k, u in sorted(self.units.items()) for i in sorted(u.positions) if k[0] in self.clients
        ]
        if held:
            key, name = self.rng.choice(held)
            self.reduce(t, key, name, self.rng.choice([50, 100, 100, 180]), "normal")

    def reduce(self, t: int, key: UnitKey, name: str, percent: int, kind: str) -> None:
        """Trades a percentage of a position away, in liquidations at a gap."""
        unit = self.unit(key)
        if name not in unit.positions:
            return
        quantity, _ = unit.positions[name]
        signed = -quantity * percent / 100
        gap = (
            self.rng.choice([0, 2, 10, 60, 150, -30]) if kind == "liquidation" else self.rng.randrange(-5, 6)
        )
        self.trade(t, key, self.instruments[name], signed, kind, gap)

    def move_money(self, t: int) -> None:
        """Deposits, withdrawals beyond the wallet, margin transfers."""
        key, instrument = self.random_unit()
        unit, base = self.unit(key), self.base[key[1]]
        what = self.rng.randrange(5)
        if what == 0 and unit.wallet != 0:
            self.transfer(t, key, -abs(unit.wallet) * self.rng.randrange(50, 130) / 100, "withdrawal")
        elif what == 1 and not unit.positions:
            self.transfer(t, key, -unit.wallet - base * self.rng.randrange(0, 20) / 1000, "withdrawal")
        elif what == 2:
            cross, isolated = (key[0], key[1], ""), (key[0], key[1], instrument.name)
            amount = base * self.rng.randrange(-300, 400) / 1000
            self.transfer(t, cross, -amount, "margin_transfer")
            self.transfer(t, isolated, amount, "margin_transfer")
        elif unit.wallet < 0 and not unit.positions:
            self.transfer(t, key, abs(unit.wallet) * self.rng.choice([40, 100, 150]) / 100, "deposit")
        else:
            self.transfer(t, key, base * self.rng.randrange(1, 60) / 100, "deposit")

    def liquidate_breached(self, t: int) -> None:
        """What the venue and the owner do about units that seem to be under water."""
        for key in sorted(self.units):
            unit = self.units[key]
            if not unit.positions or unit.in_liquidation or key[0] not in self.clients:
                continue
            notional = sum(
                (
                    self.instruments[i].value(abs(q), self.instruments[i].price)
                    for i, (q, _) in unit.positions.items()
                ),
                ZERO,
            )
            breached = self.equity(key) < notional * 2 / 100
            if not breached and not self.chance(1):
                continue
            if self.execution == "simulated":
                if self.chance(80):
                    # The recomputation will close it; the rough book forgets it.
                    unit.positions, unit.wallet = {}, ZERO
                continue
            unit.in_liquidation = True
            self.plan_liquidation(t, key)

    def plan_liquidation(self, t: int, key: UnitKey) -> None:
        """Queues liquidation fills: at once, late, in parts, beyond zero, mixed with the owner's own."""
        rng = self.rng
        names = sorted(self.units[key].positions)
        way = rng.randrange(12)
        when = t + rng.choice([0, 1, 20 * SECOND, 7 * MINUTE, 20 * MINUTE])
        edges = [b for b in self.bounds if t < b <= t + 4 * 60 * MINUTE]
        if edges and self.chance(40):
            when = edges[0] - rng.choice([0, 1, 1])

        def act(percent: int, kind: str, last: bool) -> Callable[[int], None]:
            def do(now: int) -> None:
                for name in names:
                    self.reduce(now, key, name, percent, kind)
                self.unit(key).in_liquidation = not last

            return do

        if way < 5:
            self.later(when, act(100, "liquidation", True))
        elif way < 7:
            self.later(when, act(50, "liquidation", False))
            self.later(
                when + rng.choice([0, SECOND, 15 * MINUTE, 8 * 60 * MINUTE]), act(100, "liquidation", True)
            )
        elif way == 7:
            self.later(when, act(150, "liquidation", False))
            self.later(when + 3 * MINUTE, act(100, "normal", True))
        elif way == 8:
            self.later(when, act(100, "normal", True))
        elif way == 9:
            self.later(when, act(40, "normal", False))
            self.later(when + rng.choice([0, 3 * SECOND]), act(100, "liquidation", True))
        elif way == 10:
            self.later(when, lambda now: self.transfer(now, key, self.base[key[1]], "deposit"))
            self.later(when + 40 * MINUTE, act(100, "normal", True))
        else:
            self.later(when + 6 * 60 * MINUTE, act(100, rng.choice(["liquidation", "normal"]), True))

    def funding(self, t: int, instrument: Instrument) -> None:
        """A funding payment of all positions in the instrument."""
        rate = Decimal(self.rng.choice(["0.0001", "-0.0003333", "0.02", "-0.015"]))
        price = self.on_tick(instrument, t, instrument.price)
        row = {"ts": t, "instrument_id": instrument.name, "rate": rate, "price": price}
        self.out.add("funding", self.day_of(t), row)
        for unit in self.units.values():
            if instrument.name in unit.positions:
                quantity, _ = unit.positions[instrument.name]
                paid = (instrument.value(abs(quantity), price) * rate).quantize(instrument.unit)
                unit.wallet -= paid if quantity > 0 else -paid

    def aim_at_equality(self, t: int) -> None:
        """Now and then a transfer that brings a unit's equity after the tick of t to its very margin."""
        for key, unit in sorted(self.units.items(), key=lambda pair: pair[0]):
            held = [self.instruments[i] for i in unit.positions]
            if not held or unit.in_liquidation or key[0] not in self.clients or not self.chance(3):
                continue
            if any(i.mark != i.price for i in held) or not any(i.ticked_at == t for i in held):
                continue
            margin = sum((i.margin(t, i.value(abs(unit.positions[i.name][0]), i.price)) for i in held), ZERO)
            amount = margin - self.equity(key)
            if amount != 0:
                self.transfer(t, key, amount, "margin_call")

    def fund_instant(self, t: int, percent: int) -> None:
        """A movement of the insurance fund."""
        if self.chance(percent):
            currency = self.rng.choice(sorted(self.currencies))
            amount = self.money(self.base[currency] * self.rng.randrange(-40, 60) / 1000, currency)
            kind = "withdrawal" if amount < 0 else self.rng.choice(["injection", "other"])
            self.emit(
                "fund_movements", t, movement_id=self.new_id("m"), currency=currency, amount=amount, kind=kind
            )

    def venue_instant(self, t: int) -> None:
        """What the venue says about itself, mostly a little off."""
        currency = self.rng.choice(sorted(self.currencies))
        account = self.rng.choice(self.clients + self.houses)
        wallet = sum((u.wallet for k, u in self.units.items() if k[:2] == (account, currency)), ZERO)
        what = self.rng.randrange(3)
        if what == 0:
            self.out.add(
                "venue_account_balances",
                self.day_of(t),
                {
                    "ts": t,
                    "account_id": account,
                    "currency": currency,
                    "wallet_balance": self.money(wallet, currency),
                },
            )
        elif what == 1:
            self.out.add(
                "venue_fund_balances",
                self.day_of(t),
                {"ts": t, "currency": currency, "balance": self.money(self.base[currency] / 50, currency)},
            )
        else:
            self.out.add(
                "venue_liquidations",
                self.day_of(t),
                {
                    "ts": t,
                    "account_id": account,
                    "currency": currency,
                    "notional": self.money(self.base[currency], currency),
                    "account_value": self.money(ZERO, currency),
                },
            )

    def venue_liquidations(self) -> None:
        """Published values of some real liquidation fills (not of all, and not right)."""
        seen = set()
        for (dataset, day), rows in sorted(self.out.rows.items()):
            for row in rows if dataset == "fills" else []:
                instrument = self.instruments[row["instrument_id"]]
                key = (row["ts"], row["account_id"], instrument.settlement)
                if row["kind"] == "liquidation" and self.chance(40) and key not in seen:
                    seen.add(key)
                    value = instrument.value(row["quantity"], row["price"])
                    self.out.rows.setdefault(("venue_liquidations", day), []).append(
                        {
                            "ts": row["ts"],
                            "account_id": row["account_id"],
                            "currency": instrument.settlement,
                            "notional": self.money(value * 101 / 100, instrument.settlement),
                            "account_value": self.money(value / 100, instrument.settlement),
                        }
                    )

    def instants(self) -> list[int]:
        """A coarse grid and every edge and midnight to the microsecond; before and after the run too."""
        minutes = self.rng.choice([90, 120, 180] if self.takeover else [10, 15, 20])
        begin = self.bounds[0] - (30 * 60 * MINUTE if self.chance(25) else 0)
        end = self.bounds[-1] + 60 * MINUTE
        grid = set(range(begin - begin % (5 * MINUTE), end, minutes * MINUTE))
        for edge in [*self.bounds, *range(midnight(self.first), end, DAY)]:
            if edge >= begin:
                grid |= {edge, edge - 1, edge + 1} if self.chance(80) else {edge}
        return sorted(t for t in grid if t >= begin)

    def run(self) -> tuple[dt.date, dt.date]:
        """Makes all events and writes the landing zone."""
        instants = self.instants()
        self.open_books(instants[0])
        crashes = {
            t: self.rng.choice([-450, -250, -120, -60, 60, 150, 400])
            for t in self.rng.sample(instants, max(3, len(instants) // (10 if self.takeover else 25)))
        }
        busy = self.rng.choice([15, 30, 50])
        for t in instants:
            while self.queue and self.queue[0][0] <= t:
                when, _, act = heapq.heappop(self.queue)
                act(when)
            edge = t in self.bounds or t + 1 in self.bounds
            for chance, act in (
                (busy, self.open_something),
                (busy // 2, self.close_something),
                (8, self.move_money),
            ):
                for _ in range(3 if edge else 1):
                    if self.chance(60 if edge else chance):
                        act(t)
            self.fund_instant(t, 40 if edge else 4)
            if self.chance(60 if edge else 6):
                self.venue_instant(t)
            for instrument in self.instruments.values():
                if self.chance(25 if edge else 5):
                    self.funding(t, instrument)
                if self.chance(75):
                    jump = crashes[t] if t in crashes and self.chance(60) else self.rng.randrange(-6, 7)
                    self.tick(t, instrument, jump)
            if self.desk:
                self.desk.act(t)
            self.aim_at_equality(t)
            self.liquidate_breached(t)
        self.play_scenes()
        self.venue_liquidations()
        if self.chance(50):
            add_bad_rows(self)
        self.deduplicate_venue()
        self.out.write()
        (self.landing / "policy.yaml").write_text(yaml.safe_dump(self.entries))
        return self.first, self.last

    def play_scenes(self) -> None:
        """What random trading seldom reaches, and the policy's entries about it."""
        Stage(self).play()
        if self.takeover:
            Seizures(self).play()
            Terms(self).add()

    def open_books(self, t: int) -> None:
        """First deposits and the fund's opening."""
        for currency in sorted(self.currencies):
            for house in self.houses:
                self.transfer(
                    t, (house, currency, ""), self.base[currency] * self.rng.choice([0, 50, 1000]), "deposit"
                )
            for client in self.clients:
                if self.chance(60):
                    amount = self.base[currency] * self.rng.randrange(10, 200) / 100
                    self.transfer(t, (client, currency, ""), amount, "deposit")
            if self.chance(80):
                amount = self.money(self.base[currency] * self.rng.choice([1, 20, 100, 500]) / 1000, currency)
                self.emit(
                    "fund_movements",
                    t,
                    movement_id=self.new_id("m"),
                    currency=currency,
                    amount=amount,
                    kind="opening",
                )

    def deduplicate_venue(self) -> None:
        """Keeps one row per key, so that a venue's file has no conflicts but the intended ones."""
        for (dataset, _), rows in self.out.rows.items():
            if dataset.startswith("venue_") or dataset in ("ticks", "funding"):
                seen = set()
                kept = []
                for row in rows:
                    key = (row.get("instrument_id"), row.get("account_id"), row.get("currency"), row["ts"])
                    if row.get("bad") or key not in seen:
                        kept.append(row)
                    seen.add(key)
                rows[:] = kept


def write_market(landing: Path, seed: int, execution: str, takeover: bool = False) -> tuple[dt.date, dt.date]:
    """Writes a landing zone (execution `recorded` or `simulated`) and gives its first and last date.

    With `takeover` there are liquidators in it, and policies of takeover, steps and unwinding.
    """
    landing.mkdir(parents=True, exist_ok=True)
    return Market(landing, seed, execution, takeover).run()
