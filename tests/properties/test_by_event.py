"""The two rules that look at all units, on arrays: what the rules say of all of them in Python's integers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from math import gcd
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.numbers import E18
from lossledger.engine.rows import NegativeBalance
from lossledger.jobs.attribute.by_event.columns import ColumnStates, Unfit
from lossledger.jobs.attribute.by_event.plain import PlainStates
from lossledger.jobs.attribute.by_event.share import Charged, Event, by_the_rule, by_weights, in_order
from lossledger.jobs.attribute.by_event.states import States
from lossledger.jobs.replay.prices import Columns, Prices
from lossledger.kernel.market import Grid
from lossledger.store.amounts import e18_decimals, to_decimals
from tests.kernel.from_objects import grid_of, market_of
from tests.kernel.worlds import START, World, draw_world

UNITS = sorted((account, isolation) for account in "abcdefg" for isolation in ("", "I0"))
TIMES = [START - 1, START, START + 2000, START + 10**7, START + 10**10]
RULES = ["open_interest_prorata", "adl_queue"]
Changes = list[tuple[int, int, int, int, int, int]]  # as rows of `States.windows`


def draw_changes(random: Random, instruments: int, lot_e18: int, size: int) -> Changes:
    """Wallets and positions that are often alike, so that ranks tie; in the order of time."""
    rows = []
    for ts in TIMES:
        for number in random.sample(range(len(UNITS)), random.randint(0, len(UNITS))):
            wallet = size * random.choice([-1, 0, 1, 1, 3])
            if random.random() < 0.1:
                rows.append((ts, number, -1, wallet, 0, 0))
            for code in random.sample(range(instruments), random.randint(0, instruments)):
                lots = random.choice([0, 1, -1, 1, -1, 7, -20])
                entry_value = abs(lots) * random.choice([1, size, size // 2, random.randint(0, 2 * size)])
                rows.append((ts, number, code, wallet, lots * lot_e18, entry_value if lots else 0))
    return rows


def draw_events(random: Random, names: list[str], lot_e18: int) -> list[Event]:
    events = []
    for ts in sorted(random.choices([*TIMES, START + 1, START + 10**11], k=random.randint(1, 6))):
        closed = {
            name: [str(lot_e18 * random.choice([-30, -3, 0, 1, 2, 100])), str(random.choice([0, 1, 500]))]
            for name in random.sample(names, random.randint(0, len(names)))
        }
        account_id, isolation = random.choice(UNITS)
        unit = (ts, account_id, "USD", isolation, "retail", "liquidation", "ep", True)
        deficit = NegativeBalance._make(("nb", *unit, 0, 100, json.dumps(closed)))
        events.append(Event(deficit, random.choice([1, 2, 100, 10**6 + 1, 10**20])))
    return events


class Drawn(States):
    """States that come from no database."""

    def __init__(self, rows: Changes) -> None:
        self.accounts, self.isolations = (pa.array([unit[k] for unit in UNITS], pa.string()) for k in (0, 1))
        held = sorted({(row[2], row[1]) for row in rows if row[2] >= 0})
        self.held_code, self.held_unit = (np.array([h[k] for h in held], np.int64) for k in (0, 1))
        self._rows = rows

    def windows(self, last: int) -> Iterator[pa.Table]:
        """One for every two instants."""
        for times in (TIMES[:2], TIMES[2:4], TIMES[4:]):
            rows = [row for row in self._rows if row[0] in times and row[0] <= last]
            if rows:
                columns = [np.array([row[k] for row in rows], object) for k in range(6)]
                whole = [pa.array(column.tolist(), pa.int64()) for column in columns[:3]]
                amounts = [to_decimals(columns[3]), e18_decimals(columns[4]), to_decimals(columns[5])]
                names = ["ts", "number", "code", "wallet", "quantity", "entry_value"]
                yield pa.table([*whole, *amounts], names=names)


@dataclass
class Night:
    """What is shared, and how."""

    world: World
    names: list[str]
    grids: list[Grid]
    rows: Changes
    events: list[Event]


def draw_night(seed: int, size: int) -> Night:
    random = Random(seed)
    world = draw_world(random)
    names = sorted(world.market.contracts)
    lot_e18 = random.choice([E18, E18 // 1000, 1])
    grids = [Grid(gcd(E18, grid_of(name, [], world.market).price_e18), lot_e18) for name in names]
    rows, events = draw_changes(random, len(names), lot_e18, size), draw_events(random, names, lot_e18)
    return Night(world, names, grids, rows, events)


def by_arrays(night: Night, rule: str) -> Charged:
    nothing, states = np.zeros(0, np.int64), Drawn(night.rows)
    steps = [np.array([grid[k] for grid in night.grids], np.int64) for k in (0, 1)]
    market = market_of(night.names, night.world.market, night.grids, night.world.policy)
    prices = Prices(market, night.grids, *steps, Columns(nothing, nothing, []), {})
    columns = ColumnStates(states, prices, night.names)
    if rule == "adl_queue":
        return by_the_rule(rule, in_order(night.events, states, columns), columns.candidates)
    return by_weights(in_order(night.events, states, columns), states, columns)


def told(charged: Charged) -> tuple[dict[str, int], int]:
    named = zip(charged.accounts.to_pylist(), charged.charges.tolist(), strict=True)
    return {account_id: charge for account_id, charge in named if charge}, charged.uncovered


@pytest.mark.parametrize("rule", RULES)
@given(st.integers(0, 1 << 32), st.sampled_from([10, 10**6, 10**12, 10**17, 10**19]))
def test_arrays_share_as_the_rules_do(rule: str, seed: int, size: int) -> None:
    night = draw_night(seed, size)
    states = Drawn(night.rows)
    plain = PlainStates(states, night.world.market, night.names)
    expected = by_the_rule(rule, in_order(night.events, states, plain), plain.seen)
    with suppress(Unfit):
        assert told(by_arrays(night, rule)) == told(expected)


@pytest.mark.parametrize("rule", RULES)
def test_most_drawn_nights_fit_into_arrays(rule: str) -> None:
    """Otherwise the property above would say nothing."""
    fit = 0
    for seed in range(60):
        with suppress(Unfit):
            by_arrays(draw_night(seed, 10**6), rule)
            fit += 1
    assert fit > 30
