"""Scenes for simulated takeover: several accounts fall below their margins in contracts of their own.

They have debts or none, are protected or not, hold up to three contracts (free of margin, or worth less than a ledger
unit, among them), get money or trade on in the episode; the marks go on for hours, over the session's end.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from tests.oracle.scenery import MINUTE, SECOND, ZERO, Instrument, Scenery
from tests.oracle.scenes import HOUR, LONG_AGO_US, PRICE, Stage

LATER = (0, 1, 20 * SECOND, 10 * MINUTE, 11 * MINUTE, HOUR, 3 * HOUR, 10 * HOUR, 26 * HOUR)
# A floor of 3 is a quantity between those that are held, and beneath most notionals.
RATES = (("0.01",), ("0.005", "0.02"), ("0.02", "0.05"))
# What is left after the crash, in thousandths of what the position was worth: most of it is below some margin.
LEFT = (-80, -30, -4, -1, 2, 4, 7, 9, 14, 18, 30, 300)
# Contracts free of margin; worth less than a ledger unit after the crash; one traded before it has a mark.
FORMS = ("plain", "free", "late", "dust")
BAND = (30, 60, 80, 95)  # per cent of the margin: liquidated, and above one backstop or another
DUST = Decimal("0.5")  # of a position of a ledger unit or two there is no finer part


class Victim(NamedTuple):
    """An account in trouble, the unit that holds, and its signed quantities."""

    account: str
    isolation: str
    held: dict[str, Decimal]

    @property
    def unit(self) -> tuple[str, str]:
        """The account and the isolation."""
        return self.account, self.isolation


class Seizures(Stage):
    """Plays scenes of takeover into a market; every choice comes from a generator of its own."""

    def __init__(self, market: Scenery) -> None:
        super().__init__(market)
        self.rng = Random(f"{market.seed} {market.execution} seizures")

    def play(self) -> None:
        """Two or three scenes where the recomputation liquidates, one where the venue does."""
        for n in range(self.rng.choice([2, 3]) if self.market.execution == "simulated" else 1):
            self.play_scene(FORMS[(self.market.seed + n) % len(FORMS)])

    def new_id(self, prefix: str) -> str:
        """An id that no other part of the market has."""
        return f"{prefix}{self.rng.choice('Zkz')}z{next(self.numbers)}"

    def play_scene(self, form: str) -> None:
        """Contracts, accounts, a crash, and what comes after it; `form`: one of FORMS."""
        rng, market = self.rng, self.market
        session = rng.randrange(len(market.bounds) - 1)
        start, end = market.bounds[session], market.bounds[session + 1]
        loss = rng.choice([start, start + HOUR, (start + end) // 2, end - 2 * HOUR, end - HOUR, end - 1])
        currency = rng.choice(sorted(market.currencies))
        dust = form == "dust"
        several = rng.choice([2, 3]) if form in ("dust", "free") else rng.choice([1, 2, 2, 3])
        contracts = [self.contract_at_100(currency, form) for _ in range(several)]
        side = rng.choice([1, 1, -1])
        victims = [self.victim(contracts, loss, side, form) for _ in range(rng.choice([1, 2, 3]))]
        fall = 80 if dust else rng.choice([2, 5, 10, 30])
        for contract in contracts:
            self.tick(loss - 4 * HOUR, contract, PRICE)
        for victim in victims:
            self.take_position(victim, contracts, loss - rng.choice([2 * HOUR, 3 * HOUR]), fall)
            self.go_on(victim, contracts, loss + rng.choice([1, 20 * SECOND, 10 * MINUTE, HOUR]))
        if self.chance(70):
            terms = self.terms(form)
            if form == "plain":  # what the smallest position is worth is the amount up to which all is closed
                smallest = contracts[0].value(Decimal(2), PRICE - side * fall)
                terms["liquidation_partial_above"] = {currency: str(smallest)} if self.chance(60) else {}
            market.entries.append({"valid_from": loss - 4 * HOUR, **terms})
        if form == "late":
            self.trade_unmarked(victims, self.contract_at_100(currency, form), loss)
        for shift in LATER:
            for contract in contracts:
                if shift == 0 or self.chance(60):
                    noise = 0 if dust or shift == 0 else rng.choice([0, 1, -1, 2, -2, 6, 12])
                    self.tick(loss + shift, contract, PRICE - side * (fall + noise))

    def terms(self, form: str) -> dict[str, Any]:
        """The policy under which a form shows what it is about."""
        rng = self.rng
        if form == "plain":
            return {
                "liquidation_style": "backstop",
                "backstop_below": rng.choice(["2/3", "0.2"]),
                "liquidation_steps": rng.choice([["0.2", "1"], ["0.2", "0.3"]]),
                "liquidation_cooldown_us": rng.choice([10 * MINUTE, 2 * HOUR]),
                "latency_us": 0,
            }
        style = ("takeover", "backstop")[self.market.seed // len(FORMS) % 2] if form == "late" else "takeover"
        return {"liquidation_style": style, "latency_us": MINUTE if form == "late" else 0}

    def contract_at_100(self, currency: str, form: str) -> Instrument:
        """A contract at a price of 100; of `dust` a quantity of 2 is worth two ledger units."""
        market, number = self.market, next(self.numbers)
        base, unit = market.base[currency], market.unit_of(currency)
        kind = self.rng.choice(["linear", "quanto"] if form == "dust" else ["linear", "inverse", "quanto"])
        multiplier = unit / 100 if form == "dust" else base * 10 if kind == "inverse" else base / 1000
        name = f"{self.rng.choice('AMz')}SEIZED{number}"
        steps = [(LONG_AGO_US, Decimal("0.5"), Decimal("0.1"))]
        contract = Instrument(name, kind, currency, multiplier, PRICE, steps, None, unit)
        market.instruments[name] = contract
        market.add_instrument(contract)
        contract.tiers.append((LONG_AGO_US, []))
        for n, rate in enumerate(("0",) if form == "free" else self.rng.choice(RATES)):
            tier = {"instrument_id": name, "valid_from": LONG_AGO_US, "notional_floor": Decimal(3 * n)}
            market.out.add("margin_tiers", "", {**tier, "maintenance_rate": Decimal(rate)})
            contract.tiers[0][1].append((Decimal(3 * n), Decimal(rate)))
        return contract

    def victim(self, contracts: list[Instrument], loss: int, side: int, form: str) -> Victim:
        """An account, mostly on the side that loses; its protection may begin or end about the crash."""
        rng = self.rng
        account = f"{rng.choice('aMz')}seized{next(self.numbers)}"
        protected = self.chance(70)
        since = [LONG_AGO_US, loss + rng.choice([-1, 0, 1, HOUR])] if self.chance(25) else [LONG_AGO_US]
        for n, t in enumerate(since):
            client_class = rng.choice(["retail", "professional"])
            self.market.add_account(
                account, "client", client_class, protected if n == 0 else not protected, t
            )
        held = rng.sample(contracts, rng.randrange(1, len(contracts) + 1))
        if form in ("dust", "free"):
            held = contracts
        isolation = held[0].name if self.chance(40 if form == "plain" else 10) else ""
        side *= rng.choice([1, 1, 1, 1, -1])
        sizes = [2] if form == "dust" else [2, 2, 4, 8]
        quantities = {c.name: side * Decimal(rng.choice(sizes)) for c in held}
        return Victim(account, isolation, {n: q for n, q in quantities.items() if isolation in ("", n)})

    def take_position(self, victim: Victim, contracts: list[Instrument], t: int, fall: int) -> None:
        """Maybe a debt, then the position, then what the crash leaves little of."""
        rng, held = self.rng, [c for c in contracts if c.name in victim.held]
        worth = sum((c.value(abs(victim.held[c.name]), PRICE) for c in held), ZERO)
        lost = sum((self.lost(c, victim.held[c.name], fall) for c in held), ZERO)
        if self.chance(35):
            debt = max(worth * rng.choice([1, 3]) / 100, held[0].unit)
            self.transfer(t - HOUR, *victim.unit, -debt, held[0], "withdrawal")
        for contract in held:
            self.trade(t, victim.unit, contract, victim.held[contract.name])
        margin = sum((self.margin(c, victim.held[c.name], fall) for c in held), ZERO)
        left = worth * rng.choice(LEFT if margin else LEFT[:4]) / 1000
        if margin and self.chance(50):
            left = margin * rng.choice(BAND) / 100
        money = worth * DUST if fall == 80 else max(lost + left, held[0].unit)
        self.transfer(t + 1, *victim.unit, money, held[0], "deposit")

    def lost(self, contract: Instrument, quantity: Decimal, fall: int) -> Decimal:
        """What a position loses when the price goes against it."""
        side = 1 if quantity > 0 else -1
        return -contract.worth(quantity, contract.value(abs(quantity), PRICE), PRICE - side * fall)

    def margin(self, contract: Instrument, quantity: Decimal, fall: int) -> Decimal:
        """The marginal margin of a position after the price went against it."""
        price = PRICE - (fall if quantity > 0 else -fall)
        return contract.margin(LONG_AGO_US, contract.value(abs(quantity), price))

    def go_on(self, victim: Victim, contracts: list[Instrument], t: int) -> None:
        """Money that comes or goes after the crash, or a trade: in the episode, or when all is over."""
        rng, contract = self.rng, self.rng.choice(contracts)
        if self.chance(20):
            worth = contract.value(Decimal(4), PRICE)
            self.transfer(t, *victim.unit, worth * rng.choice([1, 20, -1]) / 50, contract, "deposit")
        if self.chance(20) and not victim.isolation:
            self.trade(t, victim.unit, contract, Decimal(rng.choice(["0.1", "-0.3", "2"])))

    def trade_unmarked(self, victims: list[Victim], late: Instrument, loss: int) -> None:
        """In the episode a contract is traded that has no mark for an hour."""
        for victim in victims:
            if not victim.isolation:
                t = loss + self.rng.choice([1, 2, 30 * SECOND])
                self.trade(t, victim.unit, late, Decimal(1))
        for shift in (HOUR, 3 * HOUR, 10 * HOUR):
            self.tick(loss + shift, late, PRICE + self.rng.choice([0, 1, -5]))

    def trade(self, t: int, unit: tuple[str, str], contract: Instrument, signed: Decimal) -> None:
        """A trade with a house at 100."""
        trade = self.new_id("x")
        house = (self.rng.choice(self.market.houses), "")
        for who, quantity in ((unit, signed), (house, -signed)):
            self.add("fills", t, **self.fill(who, contract, quantity, PRICE, "normal", trade))
