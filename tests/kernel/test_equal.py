"""The kernel says what the reference says, row for row, on drawn worlds and over the sessions of drawn markets."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.words import NARROW, WIDE
from tests.kernel.object_replay import replay_units as compiled_replay
from tests.kernel.object_replay import replay_what_fits
from tests.kernel.worlds import World, canonical, draw_world
from tests.properties.examples import Market, history_of, ledger_of, markets, replays
from tests.properties.history import BEGINNING, Carried, unit_inputs


def rows_or_error(world: World, units: list[UnitInput], compiled: bool) -> dict[str, list[str]] | str:
    """The rows in one order, or the data error of the first unit that has one."""
    replay = compiled_replay if compiled else replay_units
    try:
        return canonical(replay(units, world.market, world.policy, world.start))
    except DataError as error:
        return str(error)


@given(st.integers(0, 1 << 32))
def test_every_row_and_every_error_is_the_references(seed: int) -> None:
    world = draw_world(Random(seed))
    expected = rows_or_error(world, world.units, compiled=False)
    assert rows_or_error(world, world.units, compiled=True) == expected


@given(st.integers(0, 1 << 32))
def test_every_row_is_the_references_in_amounts_of_128_bits_too(seed: int) -> None:
    """Also of the units that would fit into 63."""
    world = draw_world(Random(seed))
    rows, left = replay_what_fits(world.units, world.market, world.policy, world.start, [WIDE])
    taken = [unit for unit in world.units if unit not in left]
    assert canonical(rows) == rows_or_error(world, taken, compiled=False)


@replays
@given(markets)
def test_sessions_that_carry_state_are_replayed_alike(market: Market) -> None:
    """Carried wallets, debts, positions, marks and charges; snapshots at instants of all kinds."""
    ledger, before = ledger_of(market), Carried()
    for outcome in history_of(market):
        session = outcome.session
        start = BEGINNING if before is None or not before.units else session.start
        units = unit_inputs(ledger, before, start, session.end, ledger.times()[::7])
        world = World(units, ledger.market(start, session.end, before.marks), ledger.policy, start)
        expected = rows_or_error(world, units, compiled=False)
        assert rows_or_error(world, units, compiled=True) == expected
        before = outcome.carried


def test_most_drawn_units_are_taken_by_the_kernel() -> None:
    """Otherwise the properties above would compare the reference with itself."""
    worlds = [draw_world(Random(seed)) for seed in range(60)]
    narrow, wide = (
        sum(len(replay_what_fits(w.units, w.market, w.policy, w.start, widths)[1]) for w in worlds)
        for widths in ([NARROW], [WIDE])
    )
    units = sum(len(w.units) for w in worlds)
    assert wide < units // 6 < narrow < units // 2
