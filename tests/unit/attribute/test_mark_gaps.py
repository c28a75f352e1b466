"""Gaps in marks beside their definition (inputs.md, max_mark_gap_us), on generated markets of three dates."""

import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple

import pytest

from lossledger.engine.clock import DAY_US, day_start_us, iso
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.schemas.attribution import LIQUIDATION_POSITIONS, LIQUIDATIONS
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D11, deliver, run_dates, small_landing

MINUTE = 60_000_000
LIMIT = 90 * MINUTE
DAYS = [D9 + timedelta(days=n) for n in range(3)]
INSTRUMENTS = [f"P{n}" for n in range(6)]
CLIENTS, HOUSE = ["a", "b", "c"], "h"

Unit = tuple[str, str, str]  # account, isolation, instrument
Gap = tuple[str, str, int, int]  # date, instrument, since, until


class Market(NamedTuple):
    """Ticks by instrument; trades of units, signed, each with its kind."""

    ticks: dict[str, list[int]]
    trades: dict[Unit, list[tuple[int, int, str]]]


@pytest.mark.parametrize(("seed", "execution"), [(1, "recorded"), (2, "simulated")])
def test_gaps_are_those_of_the_definition(tmp_path: Path, seed: int, execution: str) -> None:
    market = make_market(tmp_path / "landing", Random(seed), execution)
    run_dates(tmp_path / "landing", tmp_path / "warehouse", D9, D11)
    warehouse = Warehouse(tmp_path / "warehouse")
    ends = simulated_ends(warehouse)
    assert bool(ends) is (execution == "simulated")
    expected = {gap for day in range(3) for gap in gaps_of(day, market, ends, execution)}
    assert found(warehouse) == expected
    assert len(expected) > 20
    assert any(until - since > DAY_US for _, _, since, until in expected)


def make_market(landing: Path, random: Random, execution: str) -> Market:
    """Few ticks, at whole ten minutes like the trades, so that all orders and all ties of them occur."""
    small_landing(landing)
    for name in ("fills", "ticks", "transfers"):
        for folder in (landing / name).iterdir():
            (folder / "data.csv").unlink()
    policy = f"- valid_from: 2020-01-01\n  execution: {execution}\n  max_mark_gap_us: {LIMIT}\n"
    (landing / "policy.yaml").write_text(f"{policy}  required_datasets: []\n")
    kinds = [(name, "client") for name in CLIENTS] + [(HOUSE, "house")]
    deliver(landing, "accounts", table(
        "account_id|account_type|client_class|negative_balance_protected|valid_from",
        (f"{name}|{kind}|retail|true|2020-01-01" for name, kind in kinds),
    ))  # fmt: skip
    head = "instrument_id|kind|base_currency|quote_currency|settlement_currency"
    head += "|multiplier|tick_size|lot_size|valid_from"
    deliver(
        landing, "instruments", table(head, (f"{i}|linear|X|USD|USD|1|1|1|2020-01-01" for i in INSTRUMENTS))
    )
    tiers = (f"{i}|2020-01-01|0|0.01" for i in INSTRUMENTS)
    deliver(landing, "margin_tiers", table("instrument_id|valid_from|notional_floor|maintenance_rate", tiers))
    market = Market(defaultdict(list), defaultdict(list))
    for number, day in enumerate(DAYS):
        _deliver_ticks(landing, random, number, market)
        _deliver_fills(landing, random, number, market)
        deposits = (f"t{number}{name}|{day}T00:00:00Z|{name}|USD||600|deposit" for name in CLIENTS)
        deliver(
            landing,
            "transfers",
            table("transfer_id|ts|account_id|currency|isolation|amount|kind", deposits),
            day,
        )
    return market


def _deliver_ticks(landing: Path, random: Random, number: int, market: Market) -> None:
    rows = []
    for place, name in enumerate(INSTRUMENTS):
        often = 0 if place == number else random.choice((3, 8, 40))  # one has no tick on each date
        for ts in sorted(random.sample(slots(number), often)):
            market.ticks[name].append(ts)
            rows.append(f"{iso(ts)}|{name}|{random.randint(80, 120)}")
    deliver(landing, "ticks", table("ts|instrument_id|mark_price", rows), DAYS[number])


def _deliver_fills(landing: Path, random: Random, number: int, market: Market) -> None:
    rows = []
    for n in range(60):
        account, name = random.choice([*CLIENTS, HOUSE]), random.choice(INSTRUMENTS)
        isolated, ts = random.random() < 0.2, random.choice(slots(number))
        kind = random.choice(("normal", "normal", "normal", "settlement", "adl"))
        unit = (account, name if isolated else "", name)
        held = sum(quantity for _, quantity, _ in market.trades[unit])
        quantity = -held if held and random.random() < 0.6 else random.choice((-2, -1, 1, 2))
        market.trades[unit].append((ts, quantity, kind))
        side = "buy" if quantity > 0 else "sell"
        rows.append(
            f"f{number}{n:02}|x{number}{n}|{iso(ts)}|{account}|{name}|{str(isolated).lower()}|{side}|100|{abs(quantity)}|0|{kind}"
        )
    head = "fill_id|trade_id|ts|account_id|instrument_id|isolated|side|price|quantity|fee|kind"
    deliver(landing, "fills", table(head, rows), DAYS[number])


def slots(number: int) -> list[int]:
    start = day_start_us(DAYS[number])
    return [start + n * 10 * MINUTE for n in range(144)]


def table(head: str, rows: "list[str] | Iterator[str]") -> str:
    return "\n".join([head, *rows])


def gaps_of(number: int, market: Market, ends: dict[Unit, list[int]], execution: str) -> Iterator[Gap]:
    """Every two successive ticks of a date, and the last one with its end."""
    start = day_start_us(DAYS[number])
    end = start + DAY_US
    first = -(1 << 62) if number == 0 else start
    for name, ticks in market.ticks.items():
        until_end = [ts for ts in sorted(ticks) if ts < end] + [end]
        for since, until in pairwise(until_end):
            if until > start and until - since > LIMIT and any(
                low < until and high > max(since, first)
                for unit, trades in market.trades.items()
                if unit[2] == name and unit[0] != HOUSE
                for low, high in holdings(trades, ends.get(unit, []), execution)
            ):  # fmt: skip
                yield str(DAYS[number]), name, since, until


def holdings(
    trades: list[tuple[int, int, str]], ends: list[int], execution: str
) -> Iterator[tuple[int, int]]:
    """From when until when a unit holds anything: after all trades of a time, and nothing after a liquidation."""
    events = [(ts, 0, q) for ts, q, kind in trades if execution == "recorded" or kind != "adl"]
    events += [(ts, 1, 0) for ts in ends]
    held, since = 0, 0
    for ts in sorted({ts for ts, _, _ in events}):
        if held:
            yield since, ts
        for _, is_end, quantity in sorted(event for event in events if event[0] == ts):
            held = 0 if is_end else held + quantity
        since = ts
    if held:
        yield since, 1 << 62


def simulated_ends(warehouse: Warehouse) -> dict[Unit, list[int]]:
    episodes = to_rows(
        LIQUIDATIONS,
        warehouse.read(LIQUIDATIONS),
        ("episode_id", "account_id", "isolation", "ended_at", "execution"),
    )
    held = to_rows(
        LIQUIDATION_POSITIONS, warehouse.read(LIQUIDATION_POSITIONS), ("episode_id", "instrument_id")
    )
    ends: defaultdict[Unit, list[int]] = defaultdict(list)
    for episode_id, account_id, isolation, ended_at, execution in episodes:
        for of, name in held:
            if of == episode_id and execution == "simulated":
                ends[account_id, isolation, name].append(ended_at)
    return ends


def found(warehouse: Warehouse) -> set[Gap]:
    rows = to_rows(DQ_RESULTS, warehouse.read(DQ_RESULTS), ("business_date", "expectation", "examples"))
    told = [(day, json.loads(examples)[0]) for day, name, examples in rows if name.startswith("mark_gap")]
    return {
        (str(day), g["instrument_id"], parse_time_us(g["since"]), parse_time_us(g["until"]))
        for day, g in told
    }
