"""Which replay a task uses: the reference, or the compiled one where that is worth loading it."""

from collections.abc import Sequence

from lossledger.engine.events import Market
from lossledger.engine.intake.policy import Policy
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules import order as reference
from lossledger.engine.rules.units import UnitInput
from lossledger.jobs.worth import Without

# Steps of the reference, about 8 us each, that take as long as loading the compiled replay does. A process that has
# taken so many loads it, and uses it from then on where there is more to do than laying out arrays takes. Days of size
# go by columns, whatever this says (recompute.COLUMNS_FROM).
COMPILED_FROM = 200_000
FEW = 5_000
_TAKEN = Without()


def replay_units(units: Sequence[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
    """The rows of a session for any set of units, in any order. DataError as the reference has them."""
    if not _TAKEN.is_enough(steps(units, market), FEW, COMPILED_FROM):
        return reference.replay_units(units, market, policy, start)
    from lossledger.kernel.replay import replay_units as compiled

    return compiled(units, market, policy, start)


def steps(units: Sequence[UnitInput], market: Market) -> int:
    """How many ticks and events the reference would take one by one, if what a unit trades is held all day."""
    ticks = {instrument: len(series.ts) for instrument, series in market.ticks.items()}
    total = 0
    for unit in units:
        held = {position[0] for position in unit.positions} | {fill.instrument_id for fill in unit.fills}
        total += len(unit.fills) + len(unit.transfers) + sum(ticks.get(i, 0) for i in held)
    return total
