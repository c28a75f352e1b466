"""The replay of many units over a session on arrays: what the night calls.

`replay_bucket` takes arrays of small integers and gives arrays of small integers; no Python runs per row. How to fill
them from sorted files is said at `kernel.layout.Bucket` and in kernel/columns.py.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from lossledger.kernel.bounds import fits, largest_fee_rate
from lossledger.kernel.compiler import compiled, entry, wide_entry
from lossledger.kernel.layout import (
    DONE,
    NEVER,
    NO_ROOM,
    REFUSED,
    ROW_TYPES,
    SLOT,
    STATE,
    Bucket,
    Ints,
    Market,
    Out,
    Rest,
    Rows,
)
from lossledger.kernel.reference import by_reference
from lossledger.kernel.unit import replay_unit
from lossledger.kernel.words import NARROW, Width, width_of


class Replayed(NamedTuple):
    """The rows of all units that the kernel took, and the numbers of those it leaves to the reference.

    Episodes are numbered in `components`, `episode_positions`, `deficits`, `movements` and `taken` as they stand in
    `episodes`. One whose end reason is OPEN is open at the end of the session; its components are complete, zeros
    included. Of one that was carried into the session they are what the session adds (kernel/layout.py).
    """

    units: Rows
    positions: Rows
    episodes: Rows
    components: Rows
    episode_positions: Rows
    deficits: Rows
    movements: Rows
    adl_losses: Rows
    funding: Rows
    snapshots: Rows
    changes: Rows
    taken: Rows
    to_reference: Ints


def replay_bucket(market: Market, bucket: Bucket) -> Replayed:
    """Replay a session for any set of units, in amounts of the width that those of the market and the bucket have.

    A unit is left to the reference when its numbers do not provably fit (kernel/bounds.py), when it is marked
    `refused` (a row off its grid), or when a position of it has no effective
    margin table, which the reference reports as the data error it is.
    """
    market, bucket = frozen(market), frozen(bucket)
    width = width_of(bucket.units["wallet"])
    replay, rest = run if width == NARROW else run_wide, _rest(market, width)
    sizes = _first_sizes(bucket)
    done: list[list[Rows]] = []
    refused = np.zeros(len(bucket.units), np.int64)
    unit = 0
    while unit < len(bucket.units):
        tables = [np.empty(size, width.row(ROW_TYPES[name])) for name, size in sizes.items()]
        out = Out._make([*tables, np.zeros(len(ROW_TYPES), np.int64)])
        reached = replay(market, bucket, rest, out, refused, out.counts.copy(), unit)
        if reached == unit:  # one unit that needs more than all the room
            sizes = {name: 4 * size for name, size in sizes.items()}
            continue
        unit = reached
        done.append([table[:count] for table, count in zip(out, out.counts, strict=False)])
    return Replayed._make([*_joined(done, width), np.flatnonzero(refused)])


def frozen(given: Any) -> Any:
    """Read-only views: to the compiler memory-mapped columns and fresh ones are of one type."""
    views = []
    for field in given:
        if isinstance(field, np.ndarray):
            view = np.ascontiguousarray(field).view()
            view.flags.writeable = False
            views.append(view)
        else:
            views.append(field)
    return type(given)(*views)


def _rest(market: Market, width: Width) -> Rest:
    instruments = len(market.instruments)
    slots = np.zeros(instruments, width.row(SLOT))
    deepest = 2 * (64 * instruments + 8)  # each halving takes a bit off the ticks of one instrument
    integers = (
        np.zeros(instruments, np.int64),
        np.full(instruments, -1, np.int64),
        np.zeros(deepest, np.int64),
    )
    return Rest(np.zeros(1, width.row(STATE)), slots, *integers)


def _first_sizes(bucket: Bucket) -> dict[str, int]:
    """Room to begin with; a bucket that needs more is done in several goes."""
    units, fills = len(bucket.units), len(bucket.fill_ts)
    many, few = 1024 + 2 * units + len(bucket.positions), 1024 + units // 4
    asked = int(bucket.units["snapshot_to"].sum() - bucket.units["snapshot_from"].sum())
    return {
        "units": units,
        "positions": many + fills // 4,
        "episodes": few,
        "components": 8 * few,
        "episode_positions": 2 * few,
        "deficits": few,
        "movements": 2 * few,
        "adl_losses": few,
        "funding": many + fills // 4,
        "snapshots": 1024 + 4 * asked,
        "changes": 2 * many + fills if len(bucket.instants) else 0,
        "taken": 2 * few,
    }


def _joined(parts: list[list[Rows]], width: Width) -> Iterator[Rows]:
    """The tables of all goes as one; episodes are counted on."""
    before = 0
    for tables in parts:
        named = dict(zip(ROW_TYPES, tables, strict=True))
        for name in ("components", "episode_positions", "deficits", "movements", "taken"):
            rows = named[name]
            rows["episode"][rows["episode"] >= 0] += before
        before += len(named["episodes"])
    for k, row_type in enumerate(ROW_TYPES.values()):
        tables = [part[k] for part in parts]
        yield tables[0] if len(tables) == 1 else np.concatenate([np.empty(0, width.row(row_type)), *tables])


@compiled
def start_unit(market: Market, bucket: Bucket, rest: Rest, unit: int) -> None:
    """The state of a unit to which nothing has happened yet."""
    state, given = rest.state[0], bucket.units[unit]
    state.wallet, state.debt = given.wallet, given.debt
    state.new_debt = state.recovered = state.active = state.slots = state.held = state.bound = (
        state.episode
    ) = 0
    state.transfers = state.realised_pnl = state.fees = state.funding = state.charged = 0
    state.negative_balance_reset = state.surplus_forfeited = state.unfit = 0
    state.cursor, state.terms, state.horizon, state.ahead = bucket.start, 0, NEVER, NEVER
    while state.terms + 1 < len(market.terms) and market.terms[state.terms + 1].valid_from <= bucket.start:
        state.terms += 1
    state.charge_at = given.charge_at if given.charge else NEVER
    state.transfer_from, state.fill_from = given.transfer_from, given.fill_from
    state.snapshot_from = given.snapshot_from
    state.untold, state.instant, state.told_wallet = 1, 0, 0


@compiled
def replay_from(
    market: Market, bucket: Bucket, rest: Rest, out: Out, refused: Ints, marks: Ints, unit: int
) -> int:
    """Replay from a unit on, as far as there is room: the first unit that is not done."""
    fee_rate = largest_fee_rate(market)
    any_lte = 0
    for k in range(len(market.terms)):
        any_lte = max(any_lte, market.terms[k].lte)
    while unit < len(bucket.units):
        for k in range(len(marks)):
            marks[k] = out.counts[k]
        start_unit(market, bucket, rest, unit)
        status = REFUSED
        if bucket.units[unit].refused == 0 and fits(market, bucket, rest, bucket.units[unit], fee_rate):
            status = replay_unit(market, bucket, rest, out, unit, any_lte)
        for k in range(rest.state[0].slots):
            rest.place_of[rest.slots[k].instrument] = -1
        if status != DONE:
            for k in range(len(marks)):
                out.counts[k] = marks[k]
        if status == NO_ROOM:
            break
        refused[unit] = 1 if status == REFUSED else 0
        unit += 1
    return unit


def _run(market: Market, bucket: Bucket, rest: Rest, out: Out, refused: Ints, marks: Ints, unit: int) -> int:
    """The same, as Python calls it."""
    return replay_from(
        by_reference(market),
        by_reference(bucket),
        by_reference(rest),
        by_reference(out),
        refused,
        marks,
        unit,
    )


run, run_wide = entry(_run), wide_entry(_run)
