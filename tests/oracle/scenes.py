"""Scenes that random trading seldom plays, beside it, each with a contract and accounts of its own.

One account loses more than it has: deleveraged accounts take its position (in all forms that a delivery can have),
money was moved before, other units of it have some left, its class changes, the fund is paid in and out later.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from random import Random
from typing import Any, NamedTuple

from tests.oracle.delivery import iso
from tests.oracle.policy import RULES
from tests.oracle.scenery import LONG_AGO, MINUTE, SECOND, Instrument, Scenery, midnight

LONG_AGO_US = 1_577_836_800_000_000
HOUR = 60 * MINUTE
PRICE = Decimal(100)
NEVER_BROKEN = ("waterfall", "components", "account_roll_forward", "fund_roll_forward")
DATED = ("fills", "funding", "fund_movements", "ticks", "transfers")


class Taker(NamedTuple):
    """Who takes tenths of a liquidated position; µs later; in another trade; in a row that is rejected."""

    role: str
    kind: str
    tenths: int
    shift: int = 0
    other_trade: bool = False
    bad: bool = False


WAYS = (
    (Taker("winner", "adl", 10),),
    (Taker("winner", "adl", 4), Taker("house", "normal", 6)),
    (Taker("winner", "adl", 5), Taker("third", "adl", 5)),
    (Taker("house", "adl", 10),),
    (Taker("loser", "adl", 10),),
    (Taker("winner", "adl", 10, bad=True),),
    (Taker("winner", "adl", 5, bad=True), Taker("house", "normal", 5)),
    (Taker("winner", "adl", 5, bad=True), Taker("third", "adl", 5)),
    (Taker("winner", "adl", 10, shift=1),),
    (Taker("winner", "adl", 10, shift=-1),),
    (Taker("winner", "adl", 5, shift=20 * SECOND), Taker("house", "normal", 5)),
    (Taker("winner", "adl", 10, other_trade=True),),
    (Taker("house", "normal", 10),),
    (),
)
# What makes a row of a deleveraged account one that is not accepted.
BREAKS: tuple[dict[str, Any], ...] = (
    {"account_id": "ghost"},
    {"quantity": "0"},
    {"price": "-99"},
    {"fee": "0.000000000001"},
    {"kind": "ADL"},
    {"trade_id": None},
    {"fill_id": "f\t1"},
    {"trade_id": "x" * 4097},
)


@dataclass
class Scene:
    """Who plays, in which contract, and when the loss happens; amounts go by `value`, the position's."""

    instrument: Instrument
    start: int
    end: int
    loss: int
    roles: dict[str, str]
    isolation: str
    side: int
    quantity: Decimal
    value: Decimal


class Stage:
    """Plays scenes into a market; every choice comes from a generator of its own."""

    def __init__(self, market: Scenery) -> None:
        self.market = market
        self.rng = Random(f"{market.seed} {market.execution} scenes")
        self.numbers = count(1)

    def play(self) -> None:
        """A few scenes, and what the policy says about draws and compared rules."""
        for _ in range(self.rng.randrange(1, 4)):
            self.scene()
        self.make_policy()

    def chance(self, percent: int) -> bool:
        """True in that many of a hundred cases."""
        return self.rng.randrange(100) < percent

    def new_id(self, prefix: str) -> str:
        """An id that no other part of the market has."""
        return f"{prefix}{self.rng.choice('Ssx')}{next(self.numbers)}"

    def add(self, dataset: str, t: int, **row: Any) -> None:
        """A delivered row; one to be rejected only in the folder of a date that is run."""
        day = self.market.day_of(t)
        if not row.get("bad") or self.market.first.isoformat() <= day <= self.market.last.isoformat():
            self.market.out.add(dataset, day, {"ts": t, **row})

    def make_policy(self) -> None:
        """Entries for the keys that change nothing of the market itself, mostly at the edges of sessions."""
        rng, bounds = self.rng, self.market.bounds
        edges = [LONG_AGO_US, *(b + n for b in bounds[1:] for n in (-1, -1, 0)), midnight(self.market.last)]
        edges.append((bounds[0] + bounds[1]) // 2)
        entries: dict[int, dict[str, Any]] = {}
        for t in rng.sample(edges, rng.randrange(1, 4)):
            entries[t] = {"fund_draws": rng.choice(["at_event", "at_session_end", "at_session_end"])}
        for t in rng.sample(edges, rng.randrange(0, 3)):
            names = rng.sample(RULES, rng.choice([0, 1, 2, 3, 5]))
            entries.setdefault(t, {})["compared_rules"] = names
        if self.chance(30):
            entries.setdefault(LONG_AGO_US, {}).update(
                required_datasets=rng.sample(self.always(), rng.randrange(len(self.always()) + 1)),
                fail_on_breaks=rng.sample(NEVER_BROKEN, rng.randrange(3)),
                small_cell=rng.randrange(9),
            )
        for t, values in entries.items():
            since = LONG_AGO if t == LONG_AGO_US else rng.choice([iso(t), t])
            self.market.entries.append({"valid_from": since, **values})

    def always(self) -> list[str]:
        """Dated datasets with rows in the folder of every date of the run."""
        folders = self.market.out.rows
        days = [day.isoformat() for day in self.market.starts if day <= self.market.last]
        return [name for name in DATED if all((name, day) in folders for day in days)]

    def scene(self) -> None:
        """Positions are opened, money is moved, the price jumps, one unit loses more than it has."""
        scene = self.set_up()
        self.open_positions(scene)
        self.move_money_before(scene)
        self.crash(scene)
        self.liquidate(scene)
        self.move_money_after(scene)
        self.say_as_the_venue(scene)

    def set_up(self) -> Scene:
        """The contract, the accounts and the times of a scene."""
        rng, market = self.rng, self.market
        session = rng.randrange(len(market.bounds) - 1)
        start, end = market.bounds[session], market.bounds[session + 1]
        middle = start + (end - start) // (10 * MINUTE) // 2 * 10 * MINUTE
        loss = rng.choice([start, start + 1, middle, middle + 7, end - 2 * SECOND, end - 2, end - 1, end - 1])
        known = LONG_AGO_US if self.chance(60) else loss - 8 * HOUR
        number = next(self.numbers)
        currency = rng.choice(sorted(market.currencies))
        instrument = self.contract(f"{rng.choice('AMz')}SCENE{number}", currency, known)
        roles = {role: f"{rng.choice('aMz')}{role}{number}" for role in ("loser", "winner", "third")}
        quantity = Decimal(rng.choice([2, 4, 8]))
        scene = Scene(
            instrument,
            start,
            end,
            loss,
            {**roles, "house": rng.choice(market.houses)},
            rng.choice(["", instrument.name]),
            rng.choice([1, -1]),
            quantity,
            instrument.value(quantity, PRICE),
        )
        for role, name in roles.items():
            self.account(name, known, scene if role == "loser" or self.chance(30) else None)
        if known != LONG_AGO_US:
            self.first_versions(known, scene)
        return scene

    def first_versions(self, known: int, scene: Scene) -> None:
        """Rows of the instant at which a contract and an account begin, and of the one before."""
        amount = scene.value / 100
        for t in (known - 1, known):
            early = {"bad": True} if t < known else {}
            self.add("ticks", t, instrument_id=scene.instrument.name, mark_price=PRICE, **early)
            self.transfer(t, scene.roles["winner"], "", amount, scene.instrument, "deposit", **early)

    def contract(self, name: str, currency: str, known: int) -> Instrument:
        """A contract of which ten lots at a price of 100 are worth a tenth of an ordinary wallet."""
        market, base = self.market, self.market.base[currency]
        kind = self.rng.choice(["linear", "inverse", "quanto"])
        multiplier = base * 10 if kind == "inverse" else base / 1000
        steps = [(known, Decimal("0.5"), Decimal("0.1"))]
        unit = market.unit_of(currency)
        instrument = Instrument(name, kind, currency, multiplier, PRICE, steps, None, unit)
        market.instruments[name] = instrument
        market.add_instrument(instrument)
        rates = self.rng.choice([["0.01"], ["0.005", "0.02"]])
        for n, rate in enumerate(rates):
            market.out.add(
                "margin_tiers",
                "",
                {
                    "instrument_id": name,
                    "valid_from": known,
                    "notional_floor": base * n / 2,
                    "maintenance_rate": Decimal(rate),
                },
            )
        return instrument

    def account(self, name: str, known: int, scene: Scene | None) -> None:
        """A client; one with a scene changes its class, and perhaps its protection, about the loss or the end."""
        rng = self.rng
        versions = [known]
        if scene and self.chance(70):
            t = scene.loss
            versions.append(rng.choice([t - 1, t, t + 1, scene.end - 1, scene.end, (t + scene.end) // 2]))
        classes = rng.sample(["retail", "professional", "institutional"], len(versions))
        for since, client_class in zip(versions, classes, strict=True):
            self.market.add_account(name, "client", client_class, self.chance(85), since)

    def transfer(
        self,
        t: int,
        account: str,
        isolation: str,
        amount: Decimal,
        contract: Instrument,
        kind: str,
        **more: Any,
    ) -> None:
        """A transfer of one unit in a contract's currency; none of nothing."""
        currency = contract.settlement
        amount = self.market.money(amount, currency)
        if amount:
            self.add(
                "transfers",
                t,
                transfer_id=self.new_id("t"),
                account_id=account,
                currency=currency,
                isolation=isolation or None,
                amount=amount,
                kind=kind,
                **more,
            )

    def move(self, t: int, account: str, amount: Decimal, scene: Scene) -> None:
        """Money from an account's cross unit into its isolated one, or back."""
        self.transfer(t, account, "", -amount, scene.instrument, "margin_transfer")
        self.transfer(t, account, scene.instrument.name, amount, scene.instrument, "margin_transfer")

    def fill(
        self,
        unit: tuple[str, str],
        instrument: Instrument,
        signed: Decimal,
        price: Decimal,
        kind: str,
        trade: str,
    ) -> dict[str, Any]:
        """One side of a trade, not delivered yet."""
        fee = instrument.value(abs(signed), price) * self.rng.choice([0, 0, 3, -1]) / 10000
        return {
            "fill_id": self.new_id("f"),
            "trade_id": trade,
            "account_id": unit[0],
            "instrument_id": instrument.name,
            "isolated": True if unit[1] else self.rng.choice([False, None]),
            "side": "buy" if signed > 0 else "sell",
            "price": price,
            "quantity": abs(signed),
            "fee": self.market.money(fee, instrument.settlement),
            "kind": kind,
        }

    def tick(self, t: int, instrument: Instrument, price: Decimal) -> None:
        """A mark of the contract, with or without quotes."""
        quotes = self.chance(60)
        self.add(
            "ticks",
            t,
            instrument_id=instrument.name,
            mark_price=price,
            index_price=None,
            bid=price - Decimal("0.1") if quotes else None,
            ask=price + Decimal("0.1") if quotes else None,
        )

    def open_positions(self, scene: Scene) -> None:
        """The loser against the winner, the third against the house, hours before; the loser maybe in two units."""
        opened = scene.loss - self.rng.choice([HOUR, HOUR, 5 * HOUR])
        loser, winner = scene.roles["loser"], scene.roles["winner"]
        share = Decimal(self.rng.choice(["0.05", "0.1", "0.2"]))
        self.transfer(
            opened - 2 * HOUR, loser, scene.isolation, scene.value * share, scene.instrument, "deposit"
        )
        self.transfer(opened, winner, "", scene.value * self.rng.choice([1, 3]), scene.instrument, "deposit")
        self.transfer(opened, scene.roles["third"], "", scene.value, scene.instrument, "deposit")
        if self.chance(70):
            self.tick(opened, scene.instrument, PRICE)
        signed = scene.side * scene.quantity
        third, house = scene.roles["third"], scene.roles["house"]
        for t, buyer, seller in (
            (opened, (loser, scene.isolation), winner),
            (opened + 1, (house, ""), third),
        ):
            trade = self.new_id("x")
            self.add("fills", t, **self.fill(buyer, scene.instrument, signed, PRICE, "normal", trade))
            self.add("fills", t, **self.fill((seller, ""), scene.instrument, -signed, PRICE, "normal", trade))

    def other_unit(self, scene: Scene) -> str:
        """The isolation of the loser's other unit."""
        return "" if scene.isolation else scene.instrument.name

    def move_money_before(self, scene: Scene) -> None:
        """Withdrawals and moves between own units while the position is open, some at the very instant."""
        loser, value = scene.roles["loser"], scene.value
        sign = 1 if scene.isolation else -1
        for _ in range(self.rng.choice([0, 1, 1, 2])):
            t = scene.loss - self.rng.choice([0, 0, 1, 2 * SECOND, 20 * MINUTE])
            what = self.rng.randrange(4)
            if what == 0:
                self.transfer(t, loser, scene.isolation, -value / 50, scene.instrument, "withdrawal")
            elif what == 1:
                self.transfer(t, loser, scene.isolation, value / 80, scene.instrument, "deposit")
            elif what == 2:
                self.move(t, loser, -sign * value / 40, scene)
            else:
                self.transfer(t, loser, self.other_unit(scene), value / 10, scene.instrument, "deposit")

    def crash(self, scene: Scene) -> None:
        """The price goes against the loser, at the loss or just before, in one tick or two."""
        jump = Decimal(self.rng.choice([3, 12, 30, 60]))
        self.tick(
            scene.loss - self.rng.choice([0, 1, SECOND]),
            scene.instrument,
            PRICE - scene.side * jump * PRICE / 100,
        )
        if self.chance(40):
            self.tick(
                scene.loss + self.rng.choice([1, SECOND]), scene.instrument, PRICE - scene.side * (jump - 2)
            )

    def liquidate(self, scene: Scene) -> None:
        """One or two liquidation fills, each with its takers; now and then the other unit loses too."""
        rng = self.rng
        parts = [(0, 10)] if self.chance(60) else [(0, 5), (rng.choice([0, SECOND]), 5)]
        for shift, tenths in parts:
            loss = Decimal(rng.choice([1, 10, 25, 40, 55]))
            price = PRICE - scene.side * loss
            signed = -scene.side * scene.quantity * tenths / 10
            self.liquidation(
                scene.loss + shift, (scene.roles["loser"], scene.isolation), scene, signed, price
            )
        if self.chance(30):
            unit = (scene.roles["loser"], self.other_unit(scene))
            t = scene.loss - rng.choice([1, SECOND, 30 * MINUTE])
            small = self.rng.choice([Decimal("0.5"), Decimal(1)])
            self.add(
                "fills",
                t,
                **self.fill(unit, scene.instrument, scene.side * small, PRICE, "normal", self.new_id("x")),
            )
            self.liquidation(scene.loss, unit, scene, -scene.side * small, PRICE - scene.side * 40)

    def liquidation(
        self, t: int, unit: tuple[str, str], scene: Scene, signed: Decimal, price: Decimal
    ) -> None:
        """A liquidation fill and who takes it, in one of the ways."""
        trade = self.new_id("x")
        self.add("fills", t, **self.fill(unit, scene.instrument, signed, price, "liquidation", trade))
        for taker in self.rng.choice(WAYS):
            number = self.new_id("x") if taker.other_trade else trade
            own = self.other_unit(scene) if taker.role == "loser" else ""
            side = (scene.roles[taker.role], own)
            row = self.fill(side, scene.instrument, -signed * taker.tenths / 10, price, taker.kind, number)
            if taker.bad:
                row |= {**self.rng.choice(BREAKS), "bad": True}
            self.add("fills", t + taker.shift, **row)
            if taker.kind == "normal" and self.chance(25):
                # The same fill once more, as one of a deleveraged account: a conflict, so none.
                self.add("fills", t + taker.shift, **{**row, "kind": "adl", "bad": True})

    def move_money_after(self, scene: Scene) -> None:
        """The fund gains and loses later in the session, and the loser's other unit is paid into."""
        rng, value, currency = self.rng, scene.value, scene.instrument.settlement
        late = [scene.end - 1, scene.end - 1, (scene.loss + scene.end) // 2, scene.loss, scene.loss + 1]
        for amount, kind in ((value / 9, "injection"), (-value / 15, "withdrawal"), (value / 40, "other")):
            if self.chance(40):
                self.add(
                    "fund_movements",
                    rng.choice(late),
                    movement_id=self.new_id("m"),
                    currency=currency,
                    amount=self.market.money(amount, currency),
                    kind=kind,
                )
        if self.chance(40):
            amount = value / rng.choice([3, 50])
            self.transfer(
                rng.choice(late),
                scene.roles["loser"],
                self.other_unit(scene),
                amount,
                scene.instrument,
                "deposit",
            )

    def say_as_the_venue(self, scene: Scene) -> None:
        """Balances at the loss and about the session's end, before draws that are made there and after."""
        currency = scene.instrument.settlement
        for t in sorted({scene.loss, scene.end - 2, scene.end - 1, scene.end}):
            if self.chance(40):
                balance = self.market.money(scene.value / 7, currency)
                self.add("venue_fund_balances", t, currency=currency, balance=balance)
            if self.chance(40):
                account = scene.roles[self.rng.choice(["loser", "winner"])]
                self.add(
                    "venue_account_balances",
                    t,
                    account_id=account,
                    currency=currency,
                    wallet_balance=self.market.money(scene.value, currency),
                )
