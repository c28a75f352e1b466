"""House accounts cut into stretches of time: the rows of the reference, which knows of no stretches."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossledger.engine.errors import DataError, InvariantError
from lossledger.engine.events import Account, UnitKey
from lossledger.engine.intake.judge import Reference
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from lossledger.jobs.replay.directory import Accounts, Directory
from lossledger.jobs.replay.events import FillRows
from lossledger.jobs.replay.fill_rows import joined, some
from lossledger.jobs.replay.given import Given
from lossledger.jobs.replay.house import House
from lossledger.jobs.replay.lots import no_lots
from lossledger.jobs.replay.merged import merged
from lossledger.jobs.replay.names import Group
from lossledger.jobs.replay.prices import Columns, Prices
from lossledger.jobs.replay.source import BucketTask
from lossledger.jobs.replay.state import Carried
from lossledger.jobs.replay.stretches import Stretches
from lossledger.jobs.replay.tables import totals
from lossledger.kernel.columns import Fills, Positions, States, Transfers
from lossledger.kernel.layout import NORMAL, ROW_TYPES, UNIT_ROW, Ints, Rows
from lossledger.kernel.rows import Names, session_rows
from lossledger.kernel.session import Replayed, replay_bucket
from lossledger.kernel.words import NARROW, WIDE, Width
from lossledger.store.reference_data import ReferenceData
from tests.kernel.from_objects import bucket_of, grid_of, market_of
from tests.kernel.worlds import World, canonical, draw_world

PLACES = [("USD", ""), ("USD", "I0")]  # of every account
NOTHING = np.zeros(0, np.int64)


@dataclass
class Drawn:
    """A world whose units are two to an account, and the same as a night has it."""

    world: World
    names: Names
    given: Given
    fills: FillRows
    uncut: Replayed
    off_grid: set[int]  # units with a row off its grid: of a fill, or of something else

    def cut(self, at_once: int, batch: int) -> tuple[list[House], FillRows]:
        """The accounts that have been cut, and the fills of others, when fills come so many at a time."""
        stretches = Stretches(self.given, at_once)
        rest = list(stretches.others(self._batches(batch)))
        return list(stretches.houses.values()), joined([*rest, some(self.fills, self.fills.fills.ts < 0)])

    def _batches(self, size: int) -> Iterator[FillRows]:
        places = np.arange(len(self.fills.fills.unit)) // size
        return (some(self.fills, places == place) for place in np.unique(places))


def draw(seed: int, width: Width = NARROW) -> Drawn:
    """Units are reported on, and told by what has changed, at instants at and beside those of fills."""
    random = Random(seed)
    world = draw_world(random, liquidators=False)
    times = sorted({f.ts + d for unit in world.units for f in unit.fills for d in (-1, 0, 1)})
    instants = sorted(t for t in random.sample(times, min(len(times), 5)) if t >= world.start)
    house = [random.random() < 0.8 for _ in world.units]
    world.units = [_paired(k, unit, house[k // 2], instants) for k, unit in enumerate(world.units)]
    off_grid = {k for k in range(len(world.units)) if random.random() < 0.1}
    return _as_columns(world, instants, off_grid, width)


def _paired(number: int, unit: UnitInput, house: bool, instants: list[int]) -> UnitInput:
    """The unit as one of the two of an account."""
    key = UnitKey(f"a{number // 2}", *PLACES[number % 2])
    account = Account(key.account_id, "house" if house else "client", unit.account.versions)
    return replace(unit, key=key, account=account, snapshots=instants)


def _as_columns(world: World, instants: list[int], off_grid: set[int], width: Width) -> Drawn:
    instruments = sorted(world.market.contracts)
    grids = [grid_of(name, world.units, world.market) for name in instruments]
    assembled, names = bucket_of(world.units, instruments, grids, world.start, instants, width)
    bucket, units = assembled.bucket, assembled.bucket.units
    market = market_of(instruments, world.market, grids, world.policy, width)
    ids = pa.array(sorted({unit.key.account_id for unit in world.units}), pa.string())
    accounts = Accounts(ids, np.zeros(len(ids), np.int64), bucket.accounts[::2], bucket.versions, [])
    directory = Directory(accounts, instruments, ["USD"], PLACES, NOTHING, NOTHING, NOTHING)
    reference = ReferenceData({}, {}, {}, {}, {}, Reference(), "")
    group = Group(directory, [0], width)
    given = Given(
        BucketTask([0], world.start, 0, [], None, {}, reference, world.policy, instants=instants),
        group,
        Prices(market, grids, NOTHING, NOTHING, Columns(NOTHING, NOTHING, []), {}),
        Carried(
            States(np.arange(len(units)), *(units[name] for name in States._fields[1:])),
            Positions(_owners(units, "position"), *(bucket.positions[n] for n in Positions._fields[1:])),
            NOTHING,
            dict(names.carried),
        ),
        Transfers(_owners(units, "transfer"), bucket.transfer_ts, bucket.transfer_amount),
        np.array([k for k in off_grid if not world.units[k].fills], np.int64),
        np.array(instants, np.int64),
        no_lots(group),
    )
    columns = [getattr(bucket, f"fill_{name}") for name in Fills._fields[1:]]
    fills = _as_in_the_ledger(names, Fills(_owners(units, "fill"), *columns), off_grid)
    return Drawn(world, names, given, fills, replay_bucket(market, bucket), off_grid)


def _owners(units: Rows, name: str) -> Ints:
    """The units of rows that stand together."""
    return np.repeat(np.arange(len(units)), units[f"{name}_to"] - units[f"{name}_from"])


def _as_in_the_ledger(names: Names, fills: Fills, off_grid: set[int]) -> FillRows:
    """By account and time, whatever the unit."""
    order = np.lexsort((fills.ts, fills.unit // 2))
    in_order = Fills(*(column[order] for column in fills))
    named = np.flatnonzero(in_order.kind != NORMAL)
    told = [names.fills[k] for k in order[named].tolist()]
    fill_ids = pa.chunked_array([[f"{fill.fill_id}" for fill in told]], pa.string())
    trade_ids = pa.chunked_array([[fill.trade_id for fill in told]], pa.string())
    refused = np.intersect1d(np.array(sorted(off_grid), np.int64), fills.unit)
    return FillRows(in_order, named, fill_ids, trade_ids, refused)


def rows_of(drawn: Drawn, house: House) -> tuple[SessionRows, set[int], Rows]:
    """What a house account's session says, its units that are left to the reference, and what has changed."""
    found, assembled, numbered = house.replayed()
    units = assembled.unit_numbers
    keys = [unit.key for unit in drawn.world.units]
    losses = found.adl_losses
    told = zip(
        losses["unit"].tolist(), losses["fill"].tolist(), numbered.fill_ids(losses["fill"]), strict=True
    )
    fills = {
        row: next(f for f in drawn.world.units[units[unit]].fills if f.fill_id == fill_id.as_py())
        for unit, row, fill_id in told
    }
    own = {k: keys[number] for k, number in enumerate(units.tolist()) if number < len(keys)}
    rows = session_rows(found, replace(drawn.names, units=own, fills=fills, carried={}))
    changes = found.changes.copy()
    changes["unit"] = units[changes["unit"]]
    return rows, set(units[found.to_reference].tolist()), changes


def in_order(changes: Rows) -> list[tuple[int, ...]]:
    return sorted(changes.tolist())


@given(st.integers(0, 1 << 32), st.integers(1, 12), st.integers(1, 12), st.sampled_from([NARROW, WIDE]))
def test_stretches_say_what_the_reference_says_of_the_session(
    seed: int, at_once: int, batch: int, width: Width
) -> None:
    drawn = draw(seed, width)
    world, refused = drawn.world, set(drawn.uncut.to_reference.tolist())
    houses, _ = drawn.cut(at_once, batch)
    for house in houses:
        rows, left, changes = rows_of(drawn, house)
        mine = {k for k in range(len(world.units)) if k // 2 == house.account}
        assert mine & drawn.off_grid <= left
        mine -= left
        with suppress(DataError):
            expected = replay_units(
                [world.units[k] for k in sorted(mine)], world.market, world.policy, world.start
            )
            for some_rows in (expected, rows):
                some_rows.funding_totals = totals(some_rows.funding_totals)
            assert canonical(rows) == canonical(expected)
        whole = sorted(mine - refused)
        told = drawn.uncut.changes
        assert in_order(changes[np.isin(changes["unit"], whole)]) == in_order(
            told[np.isin(told["unit"], whole)]
        )


@given(st.integers(0, 1 << 32), st.integers(1, 12), st.integers(1, 12))
def test_what_is_not_cut_is_handed_on_as_it_is(seed: int, at_once: int, batch: int) -> None:
    drawn = draw(seed)
    houses, rest = drawn.cut(at_once, batch)
    cut = [house.account for house in houses]
    expected = some(drawn.fills, ~np.isin(drawn.fills.fills.unit // 2, cut))
    for account in range(len(drawn.world.units)):
        found, wanted = (some(rows, rows.fills.unit // 2 == account) for rows in (rest, expected))
        for column, values in zip(found.fills, wanted.fills, strict=True):
            assert column.tolist() == values.tolist()
        assert found.fill_ids.to_pylist() == wanted.fill_ids.to_pylist()
    assert not np.isin(drawn.given.without(cut).state.states.unit // 2, cut).any()


def test_flows_of_all_stretches_may_exceed_what_those_of_one_may_not() -> None:
    rows = {name: np.zeros(0, row_type) for name, row_type in ROW_TYPES.items()}
    stretch = Replayed(**rows | {"units": np.zeros(1, UNIT_ROW)}, to_reference=NOTHING)
    stretch.units["realised_pnl"] = (1 << 61) - 1
    found = merged([stretch] * 40, np.ones(1, bool), np.zeros(1, bool))
    assert found.units["realised_pnl"].tolist() == [40 * ((1 << 61) - 1)]


def test_most_house_accounts_are_cut_into_several_stretches() -> None:
    """Otherwise the properties above would say little."""
    drawn = [(one, house) for one in map(draw, range(60)) for house in one.cut(2, 3)[0]]
    assert len(drawn) > 30
    assert sum(house.stretches > 2 for _, house in drawn) > len(drawn) // 2
    # Seldom is a unit left to the reference that fits as a whole.
    left = [
        rows_of(one, house)[1] - set(one.uncut.to_reference.tolist()) - one.off_grid for one, house in drawn
    ]
    assert sum(map(len, left)) < len(drawn) // 20


def test_fills_out_of_order_are_not_replayed() -> None:
    drawn = next(d for d in map(draw, range(100)) if d.cut(2, 3)[0])
    drawn.fills.fills.ts[:] = drawn.fills.fills.ts[::-1]
    with pytest.raises(InvariantError, match="order of time"):
        drawn.cut(2, 3)
