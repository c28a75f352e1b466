"""The venue's liquidators in a market: against whom liquidation fills are, and what becomes of the positions."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from tests.oracle.scenery import MINUTE, Instrument, UnitKey, midnight
from tests.oracle.scenes import BREAKS

if TYPE_CHECKING:
    from tests.oracle.markets import Market

KINDS = ("normal", "normal", "liquidation", "adl", "settlement")  # a liquidator's mean nothing


class Taker(NamedTuple):
    """Who takes tenths of a liquidation fill; µs later; in another trade; in a row that is rejected."""

    role: str
    tenths: int
    shift: int = 0
    other_trade: bool = False
    bad: bool = False


WAYS = (
    (Taker("liquidator", 10),),
    (Taker("liquidator", 10),),
    (Taker("liquidator", 5), Taker("another", 5)),
    (Taker("liquidator", 6), Taker("house", 4)),
    (Taker("liquidator", 5), Taker("deleveraged", 5)),
    (Taker("liquidator", 10, shift=1),),
    (Taker("liquidator", 10, other_trade=True),),
    (Taker("liquidator", 10, bad=True),),
    (Taker("liquidator", 5, bad=True), Taker("another", 5)),
)


class Desk:
    """Takes over, unwinds, turns and is deleveraged; every choice comes from a generator of its own."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.rng = Random(f"{market.seed} {market.execution} desk")

    def chance(self, percent: int) -> bool:
        """True in that many of a hundred cases."""
        return self.rng.randrange(100) < percent

    def add_accounts(self) -> None:
        """One to three liquidators; one may have the name that simulated lots have by default."""
        rng, market = self.rng, self.market
        market.liquidators = rng.sample(["liquidator", "0-liq", "Z_liq"], rng.randrange(1, 4))
        for name in market.liquidators:
            times = [midnight(market.first.replace(year=2020, day=1))]
            if self.chance(40):
                times.append(rng.choice(market.bounds[:-1]) + rng.choice([-1, 0, 6 * 60 * MINUTE]))
            for since in times:
                client_class = rng.choice(["retail", "professional", "institutional"])
                market.add_account(name, "liquidator", client_class, self.chance(50), since)

    def unit(self, name: str, instrument: Instrument) -> UnitKey:
        """A cross or an isolated unit of a liquidator: always the same one for a name and a contract."""
        isolated = (len(name) + len(instrument.name) + self.market.seed) % 3 == 0
        return (name, instrument.settlement, instrument.name if isolated else "")

    def bankruptcy_price(self, key: UnitKey, instrument: Instrument) -> Decimal | None:
        """Mostly the price at which the unit is worth about nothing, if there is one."""
        quantity, _ = self.market.unit(key).positions.get(instrument.name, (Decimal(0), Decimal(0)))
        if quantity == 0 or self.chance(30):
            return None
        each = self.market.equity(key) / (quantity * instrument.multiplier)
        price = instrument.price - each
        if instrument.kind == "inverse":
            inverse = 1 / instrument.price + each
            price = 1 / inverse if inverse > 0 else Decimal(0)
        return price.quantize(instrument.step(0)[0]) if price > 0 else None

    def takes(
        self, t: int, key: UnitKey, instrument: Instrument, signed: Decimal, price: Decimal, trade: str
    ) -> bool:
        """The other sides of a liquidation fill, if liquidators are among them."""
        market = self.market
        if self.chance(25):
            return False
        first, *others = self.rng.sample(market.liquidators, len(market.liquidators))
        if self.chance(20):
            signed += self.liquidate_another(t, key, instrument, signed, price, trade)
        left = abs(signed)
        way = self.rng.choice(WAYS)
        for n, taker in enumerate(way):
            part = left if n == len(way) - 1 else market.lots(instrument, t, abs(signed) * taker.tenths / 10)
            left -= part
            quantity = part if signed < 0 else -part
            name = (others or [first])[0] if taker.role == "another" else first
            unit, kind = self.unit(name, instrument), self.rng.choice(KINDS)
            if taker.role == "house":
                unit, kind = (self.rng.choice(market.houses), instrument.settlement, ""), "normal"
            if taker.role == "deleveraged":
                unit, kind = (self.rng.choice(market.clients), instrument.settlement, ""), "adl"
            number = market.new_id("y") if taker.other_trade else trade
            when = t + taker.shift if market.day_of(t + taker.shift) == market.day_of(t) else t
            if taker.bad:
                self.rejected(when, unit, instrument, quantity, price, number)
            elif part > 0:
                fee = instrument.value(part, price) * self.rng.choice([0, 2, -1]) / 10000
                market.side(when, unit, instrument, quantity, price, kind, number, fee)
        return True

    def liquidate_another(
        self, t: int, key: UnitKey, instrument: Instrument, signed: Decimal, price: Decimal, trade: str
    ) -> Decimal:
        """Another client's liquidation fill of a lot in the same trade: several may be where a lot is from."""
        other = self.rng.choice([c for c in self.market.clients if c != key[0]])
        lot = instrument.step(t)[1] * (1 if signed > 0 else -1)
        isolation = instrument.name if self.chance(30) else ""
        unit = (other, instrument.settlement, isolation)
        self.market.side(t, unit, instrument, lot, price, "liquidation", trade, Decimal(0))
        return lot

    def rejected(
        self, t: int, unit: UnitKey, instrument: Instrument, signed: Decimal, price: Decimal, trade: str
    ) -> None:
        """A liquidator's row that is not accepted."""
        market = self.market
        if market.first.isoformat() <= market.day_of(t) <= market.last.isoformat():
            row = {"ts": t, "fill_id": market.new_id("f"), "trade_id": trade, "account_id": unit[0],
                   "instrument_id": instrument.name, "isolated": bool(unit[2]), "kind": "normal",
                   "side": "buy" if signed > 0 else "sell", "price": price, "quantity": abs(signed),
                   "fee": Decimal(0)}  # fmt: skip
            market.out.add("fills", market.day_of(t), {**row, **self.rng.choice(BREAKS), "bad": True})

    def act(self, t: int) -> None:
        """What liquidators do at an instant: unwind, now and then trade out of nothing or get money."""
        market = self.market
        for key in sorted(k for k in market.units if k[0] in market.liquidators):
            for name in sorted(market.units[key].positions):
                if self.chance(30):
                    for _ in range(self.rng.choice([1, 1, 1, 3])):
                        self.unwind(t, key, market.instruments[name])
        if self.chance(6):
            instrument = self.rng.choice(list(market.instruments.values()))
            key = self.unit(self.rng.choice(market.liquidators), instrument)
            size = instrument.step(t)[1] * self.rng.choice([1, 2, 5])
            self.deal(t, key, instrument, size if self.chance(50) else -size, instrument.price, "normal")
            if self.chance(40):
                market.transfer(t, key, market.base[key[1]] * self.rng.choice([-1, 1, 3]) / 20, "deposit")

    def unwind(self, t: int, key: UnitKey, instrument: Instrument) -> None:
        """A fill that closes a part of a position, all of it, or turns it; some by deleveraging at its entry."""
        if instrument.name not in self.market.units[key].positions:
            return
        quantity, entry = self.market.units[key].positions[instrument.name]
        signed = -quantity * self.rng.choice([10, 20, 50, 50, 100, 100, 150, 250]) / 100
        signed = signed.quantize(instrument.step(t)[1].normalize() / 10)
        price = instrument.price * (1000 + self.rng.randrange(-40, 41)) / 1000
        kind = "normal"
        if self.chance(30) and entry > 0:
            kind = "adl"
            each = entry / (abs(quantity) * instrument.multiplier)
            price = 1 / each if instrument.kind == "inverse" else each
        if signed != 0:
            self.deal(t, key, instrument, signed, price, kind)

    def deal(
        self, t: int, key: UnitKey, instrument: Instrument, signed: Decimal, price: Decimal, kind: str
    ) -> None:
        """A liquidator's trade with a house, or with a client who is deleveraged; off the grid now and then."""
        market, rng = self.market, self.rng
        off_grid = market.lots(instrument, t, abs(signed)) != abs(signed) or self.chance(10)
        price = market.on_tick(instrument, t, price) + (instrument.step(t)[0] / 4 if off_grid else 0)
        if kind == "normal" and off_grid:
            kind = "settlement"
        others = market.clients if kind == "adl" else market.houses
        value, trade = instrument.value(abs(signed), price), market.new_id("y")
        own, counter = (value * rng.choice([0, 1, 5, -2]) / 10000 for _ in range(2))
        market.side(t, key, instrument, signed, price, rng.choice(KINDS), trade, own)
        other = (rng.choice(others), instrument.settlement, "")
        market.side(t, other, instrument, -signed, price, kind, trade, counter)
