"""What the kernel tells of changes, added up to an instant, is how the reference says the units stand at it."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.market import Grid
from lossledger.kernel.rows import named
from lossledger.kernel.session import Replayed, replay_bucket
from lossledger.kernel.words import NARROW, WIDE, Width
from tests.kernel.from_objects import bucket_of, grid_of, instruments_of, market_of
from tests.kernel.worlds import World, draw_world

Stands = dict[
    tuple[int, int], tuple[int, dict[str, tuple[int, int]]]
]  # by unit and instant: wallet and positions


def changes_of(
    world: World, instants: list[int], width: Width = NARROW
) -> tuple[list[str], list[Grid], Replayed]:
    names = sorted({i for unit in world.units for i in instruments_of(unit)})
    grids = [grid_of(name, world.units, world.market) for name in names]
    assembled, _ = bucket_of(world.units, names, grids, world.start, instants, width)
    market = market_of(names, world.market, grids, world.policy, width)
    return names, grids, replay_bucket(market, assembled.bucket)


def by_changes(world: World, instants: list[int], width: Width) -> tuple[Stands, set[int]]:
    """How units stand, and those that the kernel leaves to the reference."""
    names, grids, replayed = changes_of(world, instants, width)
    rows = list(named(replayed.changes))
    assert len(rows) == len({(row.unit, row.ts, row.instrument) for row in rows})
    found: Stands = {}
    for unit in range(len(world.units)):
        wallet, held = 0, dict[str, tuple[int, int]]()
        for ts in instants:
            for row in rows:
                if (row.unit, row.ts) == (unit, ts):
                    wallet = row.wallet
                    if row.instrument >= 0:
                        quantity = row.lots * grids[row.instrument].lot_e18
                        held[names[row.instrument]] = (quantity, row.entry_value)
            found[unit, ts] = wallet, {name: stand for name, stand in held.items() if stand[0]}
    return found, set(replayed.to_reference.tolist())


def by_the_reference(world: World, instants: list[int]) -> Stands:
    found: Stands = {}
    for number, unit in enumerate(world.units):
        unit.snapshots = instants
        for row in replay_units([unit], world.market, world.policy, world.start).snapshots:
            held = found.setdefault((number, row.ts), (row.wallet, {}))[1]
            if row.instrument_id is not None:
                held[row.instrument_id] = (row.quantity_e18, row.entry_value)
    return found


@given(st.integers(0, 1 << 32), st.sampled_from([NARROW, WIDE]))
def test_changes_add_up_to_how_units_stand(seed: int, width: Width) -> None:
    random = Random(seed)
    world = draw_world(random)
    times = sorted({f.ts + d for unit in world.units for f in unit.fills for d in (-1, 0, 1)})
    times += [max(times, default=0) + 10**9]
    instants = sorted(random.sample(times, random.randint(1, len(times))))
    instants = [ts for ts in instants if ts >= world.start]
    try:
        expected = by_the_reference(world, instants)
    except DataError:
        return
    found, left = by_changes(world, instants, width)
    assert {k: v for k, v in found.items() if k[0] not in left} == {
        k: v for k, v in expected.items() if k[0] not in left
    }


def test_a_unit_to_which_nothing_happens_is_told_once() -> None:
    world = draw_world(Random(1))
    unit = world.units[0]
    world.units, instants = [UnitInput(unit.key, unit.account, wallet=7)], [world.start, world.start + 1]
    _, _, replayed = changes_of(world, instants)
    assert [(row.ts, row.instrument, row.wallet) for row in named(replayed.changes)] == [(instants[0], -1, 7)]
