"""`engine.rules.order.replay_units`, compiled: the same units in, the same rows out.

The night goes from its files' columns to `kernel.session`; tests and the fuzz draw objects.
"""

from collections.abc import Iterable, Sequence

from lossledger.engine.events import Market
from lossledger.engine.intake.policy import Policy
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules import order as reference
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.rows import session_rows
from lossledger.kernel.session import replay_bucket
from lossledger.kernel.words import NARROW, WIDE, Width
from tests.kernel.from_objects import bucket_of, grid_of, instruments_of, market_of

WIDTHS = (NARROW, WIDE)


def replay_units(units: Iterable[UnitInput], market: Market, policy: Policy, start: int) -> SessionRows:
    """Replay a session for any set of units; what the kernel does not take is replayed by the reference.

    The rows are those of the reference, in another order. DataError as the reference has them.
    """
    rows, left = replay_what_fits(units, market, policy, start)
    rows.extend(reference.replay_units(left, market, policy, start))
    return rows


def replay_what_fits(
    units: Iterable[UnitInput], market: Market, policy: Policy, start: int, widths: Sequence[Width] = WIDTHS
) -> tuple[SessionRows, list[UnitInput]]:
    """The rows of the units that the kernel takes, and the units that it leaves to the reference.

    `widths`: of amounts, in the order in which they are tried.
    """
    left = sorted(units, key=lambda u: u.key)
    rows = SessionRows()
    for width in widths:
        if left:
            found, left = _replay(left, market, policy, start, width)
            rows.extend(found)
    return rows, left


def _replay(
    given: list[UnitInput], market: Market, policy: Policy, start: int, width: Width
) -> tuple[SessionRows, list[UnitInput]]:
    names = sorted({i for unit in given for i in instruments_of(unit)})
    grids = [grid_of(name, given, market) for name in names]
    assembled, meaning = bucket_of(given, names, grids, start, width=width)
    replayed = replay_bucket(market_of(names, market, grids, policy, width), assembled.bucket)
    return session_rows(replayed, meaning), [given[k] for k in replayed.to_reference]
