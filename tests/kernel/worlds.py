"""Drawn markets and risk units, full of coincidences: few instants, crashes, tiny and enormous numbers."""

from dataclasses import dataclass, fields
from fractions import Fraction
from random import Random
from typing import Any

from lossledger.engine.events import (
    Account,
    AccountVersion,
    Fill,
    Funding,
    Market,
    TickSeries,
    Transfer,
    UnitKey,
)
from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import E18, Ledger
from lossledger.engine.rows import OpenLot, SessionRows
from lossledger.engine.rules.contracts import INVERSE, LINEAR, QUANTO, Contract
from lossledger.engine.rules.episode import Episode, Held, Liquidated
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.versions import Versions

START = 1_760_054_400_000_000


@dataclass
class World:
    """What a replay is given."""

    units: list[UnitInput]
    market: Market
    policy: Policy
    start: int

    def events(self) -> int:
        """How many events the units and the market have."""
        own = sum(len(u.transfers) + len(u.fills) + len(u.snapshots) for u in self.units)
        ticks = sum(len(series.ts) for series in self.market.ticks.values())
        return own + ticks + sum(map(len, self.market.funding.values()))


def canonical(rows: SessionRows) -> dict[str, list[str]]:
    """The rows of every table in one order."""
    return {f.name: sorted(map(repr, getattr(rows, f.name))) for f in fields(rows)}


@dataclass
class _Shape:
    """The sizes of a world."""

    random: Random
    instants: list[int]
    scale: int
    price_digits: int  # decimals of prices
    lot_digits: int
    price: int  # typical, in steps of price_digits
    size: int  # typical quantity, in steps of lot_digits
    together: bool  # all instruments tick at all instants


def draw_world(random: Random, liquidators: bool = True) -> World:
    """A session of some units in a market of one to four instruments; `liquidators`: of liquidators too."""
    count = random.choice([4, 10, 40, 40, 150, 600])
    step = random.choice([1, 1000, 60_000_000])
    price_digits, lot_digits = random.choice([0, 0, 1, 2, 6, 12]), random.choice([0, 0, 3, 8])
    shape = _Shape(
        random,
        [START + k * step for k in range(count)],
        random.choice([0, 2, 2, 6, 8, 12, 18]),
        price_digits,
        lot_digits,
        random.choice([1, 7, 100, 10_000, 10**6, 10**9, 10**12]),
        random.choice([1, 3, 50, 1000, 10**6, 10**9, 10**13]),
        random.random() < 0.5,
    )
    most = 10 ** random.choice([6, 9, 12, 15, 18, 21, 26, 33, 37])  # ledger units of a typical position
    while shape.size > 1 and shape.size * shape.price * 10**shape.scale > most * 10 ** (
        price_digits + lot_digits
    ):
        shape.size = max(1, shape.size // 10)
    names = [f"I{n}" for n in range(random.randint(1, 4))]
    market = Market({}, {}, {})
    for name in names:
        _add_instrument(shape, market, name)
    notional = max(1, _value(shape, market))
    units = [_unit(shape, market, f"a{n}", notional) for n in range(random.randint(1, 6))]
    if not liquidators:
        units = [unit for unit in units if not unit.account.is_liquidator]
    first = random.random() < 0.5 and not any(unit.positions for unit in units)
    start = -(1 << 62) if first else START
    return World(units, market, _policy(shape), start)


def _value(shape: _Shape, market: Market) -> int:
    contract = market.contracts["I0"]
    quantity, price = (
        shape.size * 10 ** (18 - shape.lot_digits),
        shape.price * 10 ** (18 - shape.price_digits),
    )
    return contract.value_units(quantity, price)


def _add_instrument(shape: _Shape, market: Market, name: str) -> None:
    random = shape.random
    kind = random.choice([LINEAR, LINEAR, QUANTO, INVERSE])
    multiplier = random.choice([E18, E18, E18 // 1000, 7 * E18, E18 * 100])
    market.contracts[name] = Contract(name, kind, "USD", shape.scale, multiplier)
    step = 10 ** (18 - shape.price_digits)
    sizes = [(0, step)] + [(t, step * random.choice([1, 2, 5])) for t in _some(shape, 1)]
    market.tick_sizes[name] = Versions(sizes)
    lot = 10 ** (18 - shape.lot_digits)
    market.lot_sizes[name] = Versions(
        [(0, lot * random.choice([1, 1, 3]))]
        + [(t, lot * random.choice([1, 2, 5, 100])) for t in _some(shape, 1)]
    )
    value = max(1, _value(shape, market) if name == "I0" else shape.price * shape.size)
    late = [shape.instants[0] + 3] if random.random() < 0.02 else [0]
    versions = {t: _tiers(shape, value) for t in [*late, *_some(shape, 2)]}
    market.tiers[name] = TierHistory(name, versions)
    if random.random() < 0.5:
        market.opening_marks[name] = shape.price * step
    if random.random() < 0.95:
        market.ticks[name] = _ticks(shape, step)
    times = sorted(_some(shape, 3))
    rates = [random.choice([0, 1, -1]) * random.randint(0, 10**16) * random.choice([1, 1, 30]) for _ in times]
    market.funding[name] = [
        Funding(t, r, _near(shape, shape.price) * step) for t, r in zip(times, rates, strict=True)
    ]


def _some(shape: _Shape, most: int) -> list[int]:
    return shape.random.sample(shape.instants, shape.random.randint(0, min(most, len(shape.instants))))


def _near(shape: _Shape, typical: int) -> int:
    return max(1, typical * shape.random.randint(50, 150) // 100)


def _tiers(shape: _Shape, value: int) -> TierTable:
    random = shape.random
    rates = sorted(
        random.choice([0, 1, 5, 10, 25, 100, 500, 333, 1000]) * 10**15 for _ in range(random.randint(1, 4))
    )
    unit = 10 ** (18 - shape.scale)
    floors = [0, *sorted(random.sample(range(1, 400), len(rates) - 1))]
    odd = random.choice([0, 0, 0, 0, 0, 0, 1, unit // 2, unit // 2])  # a floor finer than a ledger unit
    steps = [
        (value * floor // 100 * unit + (odd if floor else 0), rate)
        for floor, rate in zip(floors, rates, strict=True)
    ]
    return TierTable(steps, shape.scale)


def _ticks(shape: _Shape, step: int) -> TickSeries:
    random = shape.random
    series = TickSeries()
    mark, wild = shape.price, random.choice([0, 5, 30, 300])
    for ts in shape.instants:
        if not shape.together and random.random() < 0.6:
            continue
        mark += mark * random.randint(-wild, wild) // 1000
        if random.random() < 0.02:
            mark = mark * random.choice([50, 80, 120, 200]) // 100
        mark = max(1, mark)
        series.ts.append(ts)
        series.mark.append(mark * step)
        series.bid.append(max(1, mark - random.randint(0, 2)) * step if random.random() < 0.7 else None)
        series.ask.append((mark + random.randint(0, 2)) * step if random.random() < 0.7 else None)
    return series


def _policy(shape: _Shape) -> Policy:
    random = shape.random
    versions = []
    for valid_from in [0, *sorted(_some(shape, random.choice([0, 0, 2])))]:
        versions.append(
            (
                valid_from,
                Terms(
                    trigger=random.choice(["lt", "lte"]),
                    execution=random.choice(["recorded", "simulated"]),
                    latency_us=random.choice([0, 0, 1, 1000, 120_000_000]),
                    slippage_rate=random.choice([0, 10**15, 10**17, E18]),
                    liquidation_fee_rate=random.choice([0, 10**16, 5 * 10**15]),
                    liquidation_fee_to=random.choice(["fund", "venue"]),
                    residual=random.choice(["to_account", "to_fund"]),
                    **(_later_terms(random, shape) if random.random() < 0.6 else {}),
                ),
            )
        )
    return Policy(versions)


def _later_terms(random: Random, shape: _Shape) -> dict[str, Any]:
    """Takeover, steps and margin on the whole position."""
    whole = random.random() < 0.4
    shares = [random.choice([E18, E18 // 2, E18 // 3, E18 // 10, 1]) for _ in range(random.randint(1, 3))]
    amount = shape.price * shape.size // random.choice([1, 3, 50, 10**6])
    return {
        "margin_on": "whole" if whole else "marginal",
        "tier_floor": random.choice(["quantity", "notional"]) if whole else "notional",
        "liquidation_style": random.choice(["market", "market", "takeover", "backstop", "backstop"]),
        "liquidation_steps": tuple(shares) if random.random() < 0.7 else (E18,),
        "liquidation_partial_above": {"USD": amount * 10 ** (18 - shape.scale)}
        if random.random() < 0.3
        else {},
        "liquidation_cooldown_us": random.choice([0, 0, 1, 3000, 120_000_000]),
        "liquidation_until": random.choice(["flat", "recovered"]),
        "liquidation_fee_cap": random.choice(["none", "equity"]),
        "backstop_below": random.choice([Fraction(2, 3), Fraction(1, 7), Fraction(1), Fraction(1, 1000)]),
        "liquidator_account": random.choice(["liquidator", "other"]),
        "unwind_us": random.choice([0, 0, 1, 3000, 120_000_000]),
        "unwind_fee_rate": random.choice([0, 10**16, 5 * 10**15]),
    }


def _unit(shape: _Shape, market: Market, account_id: str, notional: int) -> UnitInput:
    random = shape.random
    isolation = random.choice(["", "", *market.contracts])
    classes = [(0, AccountVersion("retail", random.random() < 0.8))]
    classes += [(t, AccountVersion("professional", random.random() < 0.5)) for t in _some(shape, 1)]
    kind = random.choice(["house", "liquidator", "liquidator", *["client"] * 9])
    if random.random() < 0.02:
        classes = [(shape.instants[-1], AccountVersion("retail", True))]
    account = Account(account_id, kind, Versions(classes))
    unit = UnitInput(UnitKey(account_id, "USD", isolation), account)
    unit.wallet = random.choice([0, 0, notional // random.randint(1, 30), -notional // 50])
    unit.debt = random.choice([0, 0, 0, max(0, -unit.wallet), notional // 40])
    unit.unrealised = random.randint(-5, 5)
    mine = [isolation] if isolation else list(market.contracts)
    if random.random() < 0.4:
        for name in random.sample(mine, random.randint(1, len(mine))):
            lots = _near(shape, shape.size) * 10 ** (18 - shape.lot_digits) * random.choice([1, -1])
            unit.positions.append((name, lots, _near(shape, notional)))
        if kind == "client" and random.random() < 0.5:
            unit.open_episode = _open_episode(shape, mine, notional)
        if kind == "liquidator":
            unit.lots = [lot for position in unit.positions for lot in _lots(shape, unit.key, *position)]
    if random.random() < 0.1:
        unit.charge, unit.charge_at = notional // random.randint(5, 100) + 1, shape.instants[0]
    for n in range(random.choice([0, 1, 3])):
        amount = notional * random.randint(-20, 40) // 100
        unit.transfers.append(Transfer(random.choice(shape.instants), f"t{n}", amount))
    style = random.choice(["close", "any", "any", "venue"])
    for n in range(random.choice([0, 1, 2, 5, 12, 40])):
        unit.fills.append(_fill(shape, market, mine, n, notional, style))
    unit.snapshots = sorted(_some(shape, 3))
    return unit


def _lots(shape: _Shape, key: UnitKey, name: str, quantity_e18: int, value: int) -> list[OpenLot]:
    """The open lots of a liquidator's position, taken over in earlier sessions."""
    lot, side = 10 ** (18 - shape.lot_digits), 1 if quantity_e18 > 0 else -1
    count = min(shape.random.randint(1, 3), abs(quantity_e18) // lot)
    parts = [abs(quantity_e18) // lot // count * lot] * count
    parts[-1] += abs(quantity_e18) - sum(parts)
    mark = shape.random.choice([None, shape.price * 10 ** (18 - shape.price_digits)])
    return [
        OpenLot(
            *(f"l{name}{n}", "recorded", None, None, None, *key, name),
            *(
                side * part,
                START - 100 + n,
                Ledger(value // count),
                Ledger(shape.random.randint(-3, 3)),
                mark,
            ),
        )
        for n, part in enumerate(parts)
    ]


def _open_episode(shape: _Shape, mine: list[str], notional: int) -> str:
    """One that was triggered in an earlier session: what has become of it there may be anything."""
    random = shape.random

    def amount() -> int:
        return random.choice([0, 0, notional // random.randint(1, 30), -notional // 50, 10**40])

    first = random.choice([None, START - 3])
    episode = Episode(
        START - random.choice([5, 1000, 120_000_000]),
        random.choice(["margin", "recorded_fill"]),
        random.choice(["recorded", "simulated"]),
        amount(),
        amount(),
        first,
        amount() if first else 0,
    )
    for component in ("cushion", "headroom", "gap_in_cushion", "gap_past_bankruptcy"):
        episode.add(component, "", amount())
    for name in mine:
        for component in random.sample(["latency", "market_move", "fees", "funding", "account_trading"], 2):
            episode.add(component, name, amount())
        if random.random() < 0.5:
            mark = random.choice([None, random.randint(1, 10**30)])
            episode.held[name] = Held(random.randint(-(10**30), 10**30), abs(amount()), abs(amount()), mark)
        elif random.random() < 0.8:
            episode.marks[name] = random.randint(1, 10**30)
        if first and random.random() < 0.5:
            episode.liquidated[name] = Liquidated(2, random.randint(-(10**30), 10**30), 10**30, abs(amount()))
    if random.random() < 0.3:
        episode.add("other_flows", "", amount())
    if random.random() < 0.3:
        episode.steps, episode.last_step_at = random.randint(1, 3), START - random.choice([2, 3000])
    return episode.to_json()


def _fill(shape: _Shape, market: Market, mine: list[str], n: int, notional: int, style: str) -> Fill:
    random = shape.random
    name = random.choice(mine)
    quantity = shape.size if style == "close" else max(1, shape.size * random.choice([1, 1, 2, 3, 7]) // 3)
    price = _near(shape, shape.price) if random.random() < 0.5 else shape.price
    kinds = {"close": ["normal"], "any": ["normal", "normal", "normal", "liquidation", "adl", "settlement"]}
    kind = random.choice(kinds.get(style, ["normal", "liquidation", "liquidation"]))
    return Fill(
        random.choice(shape.instants),
        f"f{random.randint(0, 9)}-{n}",
        f"x{n}",
        name,
        random.choice([1, -1]),
        price * 10 ** (18 - shape.price_digits),
        quantity * 10 ** (18 - shape.lot_digits),
        random.choice([0, 0, 1, -1, notional // 1000]),
        kind,
        met_by_adl=kind != "adl" and random.random() < 0.4,
        met_by_liquidator=kind == "liquidation" and random.random() < 0.4,
    )
