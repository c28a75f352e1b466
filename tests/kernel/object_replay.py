"""`engine.rules.order.replay_units`, compiled: the same units in, the same rows out.

The night goes from its files' columns to `kernel.session`; tests and the fuzz draw objects.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lossledger.engine.events import Market, UnitKey
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules import order as reference
from lossledger.engine.rules.units import UnitInput
from lossledger.kernel.rows import session_rows
from lossledger.kernel.session import replay_bucket
from lossledger.kernel.words import NARROW, WIDE, Width
from tests.kernel.from_objects import bucket_of, grid_of, instruments_of, market_of
from tests.kernel.lot_objects import lots_of

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
    arrays = market_of(names, market, grids, policy, width)
    taking = {k: unit for k, unit in enumerate(given) if unit.account.is_liquidator}
    lots, settled, unfit = lots_of(taking, names, grids, arrays, start, width)
    units = [replace(unit, transfers=[*unit.transfers, *settled.get(k, [])]) for k, unit in enumerate(given)]
    assembled, meaning = bucket_of(units, names, grids, start, width=width)
    assembled.bucket.units["refused"][sorted(unfit)] = 1
    replayed = replay_bucket(arrays, assembled.bucket)
    meaning.liquidators = [terms.liquidator_account for _, terms in policy.items()]
    rows = session_rows(replayed, meaning)
    left = [given[k] for k in replayed.to_reference]
    names_left = {unit.key for unit in left}
    _add_lots(rows, lots, names_left, {given[k].key: sum(t.amount for t in ts) for k, ts in settled.items()})
    return rows, left


def _add_lots(
    rows: SessionRows, lots: SessionRows, left: set[UnitKey], settled: Mapping[UnitKey, int]
) -> None:
    """The lots of units that were not left, and what was settled as what it is."""
    for name in ("lots", "takeovers", "fund_movements"):
        getattr(rows, name).extend(
            r for r in getattr(lots, name) if UnitKey(r.account_id, r.currency, r.isolation) not in left
        )
    for n, unit in enumerate(rows.unit_sessions):
        amount = settled.get(UnitKey(*unit[:3]), 0)
        settled_unit = unit._replace(
            transfers=Ledger(unit.transfers - amount), fund_settlement=Ledger(unit.fund_settlement + amount)
        )
        rows.unit_sessions[n] = settled_unit
