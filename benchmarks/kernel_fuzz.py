"""The kernel against the reference on drawn worlds, for as long as it is given: every row compared.

Every second world is replayed in amounts of 128 bits alone.

usage: python -m benchmarks.kernel_fuzz [SECONDS [SEED]]
"""

import sys
import time
from collections import Counter
from random import Random

from lossledger.engine.errors import DataError
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.order import replay_units
from lossledger.engine.rules.units import UnitInput
from tests.kernel.object_replay import WIDTHS, replay_what_fits
from tests.kernel.worlds import World, canonical, draw_world


def by_the_reference(world: World, units: list[UnitInput]) -> SessionRows | str:
    """The rows, or the data error."""
    try:
        return replay_units(units, world.market, world.policy, world.start)
    except DataError as error:
        return str(error)


def main(seconds: float = 60, seed: int = 0) -> int:
    """Stops at the first difference and says which world it was."""
    counts: Counter[str] = Counter()
    began = said = time.monotonic()
    while time.monotonic() - began < seconds:
        world = draw_world(Random(seed))
        rows, left = replay_what_fits(
            world.units, world.market, world.policy, world.start, WIDTHS[seed % 2 :]
        )
        refused = {unit.key for unit in left}
        expected = by_the_reference(world, [unit for unit in world.units if unit.key not in refused])
        if isinstance(expected, str) or canonical(expected) != canonical(rows):
            print(f"seed {seed}: the kernel differs")
            return 1
        seed += 1
        counts["worlds"] += 1
        counts["units"] += len(world.units)
        counts["units left to the reference"] += len(left)
        counts["events"] += world.events()
        counts["of them for a data error"] += isinstance(by_the_reference(world, left), str)
        for name, table in vars(rows).items():
            counts[name] += len(table)
        for episode in rows.episodes:
            counts[f"{episode.execution} {episode.trigger} {episode.end_reason}"] += 1
        if time.monotonic() - said > 60:
            said = time.monotonic()
            print(f"{counts['worlds']:,} worlds, {counts['events']:,} events: equal", flush=True)
    print(f"equal in {time.monotonic() - began:.0f} s; next seed {seed}")
    for name, count in counts.items():
        print(f"{count:>12,} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
