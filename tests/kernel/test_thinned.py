"""The reference says the same on the ticks that matter as on all of them, and they are few."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.thinned import Thinned
from tests.kernel.worlds import World, canonical, draw_world
from tests.properties.examples import replays


def rows_or_error(world: World, thinned: bool) -> dict[str, list[str]] | str:
    try:
        if thinned:
            return canonical(Thinned(world.market, world.policy, world.start).replay(world.units))
        return canonical(replay_units(world.units, world.market, world.policy, world.start))
    except DataError as error:
        return str(error)


@given(st.integers(0, 1 << 32))
def test_every_row_and_every_error_is_the_references(seed: int) -> None:
    world = draw_world(Random(seed))
    assert rows_or_error(world, thinned=True) == rows_or_error(world, thinned=False)


def on_the_edge(world: World, unit: UnitInput) -> list[int]:
    """The wallets with which the unit is just not liquidated, and just is; none where it does not depend on them."""

    def liquidated(wallet: int) -> bool:
        given = replace(unit, wallet=wallet)
        rows = replay_units([given], world.market, world.policy, world.start)
        return bool(rows.episodes) or any(session.open_episode for session in rows.unit_sessions)

    low, high = -(10**30), 10**30
    if not liquidated(low) or liquidated(high):
        return []
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if liquidated(middle) else (low, middle)
    return [low, high]


@replays
@given(st.integers(0, 1 << 32))
def test_a_unit_at_the_edge_is_liquidated_or_not_as_on_all_ticks(seed: int) -> None:
    world = draw_world(Random(seed))
    for unit in world.units:
        try:
            wallets = on_the_edge(world, unit)
        except DataError:
            continue
        for wallet in wallets:
            world.units = [replace(unit, wallet=wallet)]
            assert rows_or_error(world, thinned=True) == rows_or_error(world, thinned=False)


def test_most_ticks_do_not_matter() -> None:
    """Otherwise the properties above would say nothing."""
    fewer = 0
    for seed in range(300):
        world = draw_world(Random(seed))
        session = Thinned(world.market, world.policy, world.start)
        for unit in world.units:
            kept, ticks = session.for_unit(unit).ticks, world.market.ticks
            fewer += any(2 * len(kept[name].ts) < len(ticks[name].ts) for name in {*kept} & {*ticks})
    assert fewer > 10
