"""Which units must be looked at when marks move: an exact trigger without evaluating everyone.

A unit with equity above its maintenance margin stays above it while no held mark has moved against it by
more than a share r of itself; the marks at which that may stop being true are kept in two heaps per
contract. The band is a lower bound worked out in floats with a margin; the check itself is exact.
"""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from lossledger.simulator.contracts import MarginTable
from lossledger.simulator.ledger import Unit

if TYPE_CHECKING:
    from lossledger.simulator.prices import Ints

NEVER_ABOVE = 2**62
MAX_MOVE = 0.3
INVERSE_CURVE = 1 / (1 - MAX_MOVE)  # an inverse long loses at most so much more than its value times r
Entry = tuple[int, int, int, Unit]  # (threshold, unique number, armed, unit)


class MarginWatch:
    """Wake-up marks of all armed units."""

    def __init__(self, contracts: int) -> None:
        import numpy as np

        self._falling: list[list[Entry]] = [[] for _ in range(contracts)]  # thresholds negated
        self._rising: list[list[Entry]] = [[] for _ in range(contracts)]
        self.low: Ints = np.zeros(contracts, dtype=np.int64)
        self.high: Ints = np.full(contracts, NEVER_ABOVE, dtype=np.int64)
        self._number = 0
        self._limits = [64] * (2 * contracts)

    def arm(self, unit: Unit, marks: Sequence[int], tables: Sequence[MarginTable]) -> None:
        """Set the unit's wake-up marks anew; earlier ones no longer count."""
        unit.armed += 1
        if unit.house or not unit.positions:
            return
        slack, loss_per_move = unit.wallet, 1.0
        for index, p in unit.positions.items():
            ticks, table = marks[index], tables[index]
            value = p.contract.value(p.lots, ticks)
            sign = p.side * p.contract.direction
            slack += sign * (value - p.entry_value) - table.maintenance(value)
            # Maintenance margin rises against the holder only where its value rises: sign -1.
            loss_per_move += value * (1.0 if sign > 0 else 1.0 + table.top_rate) * (
                INVERSE_CURVE if p.contract.inverse else 1.0)  # fmt: skip
        move = min(MAX_MOVE, 0.999 * (slack - 2 * len(unit.positions)) / loss_per_move)
        for index, p in unit.positions.items():
            # At or below its margin already: any mark wakes the unit.
            if p.side > 0:
                at = int(marks[index] * (1 - move)) + 1 if move > 0 else NEVER_ABOVE
                self._push(self._falling, index, -at, unit)
            else:
                at = int(marks[index] * (1 + move)) - 1 if move > 0 else 0
                self._push(self._rising, index, at, unit)

    def woken(self, index: int, ticks: int) -> list[Unit]:
        """Units whose wake-up mark of this contract is reached, each to be checked and armed again."""
        units = []
        for heap, key in ((self._falling[index], -ticks), (self._rising[index], ticks)):
            while heap and heap[0][0] <= key:
                _, _, armed, unit = heappop(heap)
                if armed == unit.armed:
                    units.append(unit)
        self._refresh(index)
        return units

    def _push(self, heaps: list[list[Entry]], index: int, key: int, unit: Unit) -> None:
        heap = heaps[index]
        self._number += 1
        heappush(heap, (key, self._number, unit.armed, unit))
        slot = 2 * index + (heaps is self._rising)
        if len(heap) > self._limits[slot]:
            # Drop what no longer counts, so the heaps grow with the holders and not with the trades.
            heap[:] = [e for e in heap if e[2] == e[3].armed]
            heapify(heap)
            self._limits[slot] = 64 + 3 * len(heap)
        self._refresh(index)

    def _refresh(self, index: int) -> None:
        falling, rising = self._falling[index], self._rising[index]
        self.low[index] = -falling[0][0] if falling else 0
        self.high[index] = rising[0][0] if rising else NEVER_ABOVE
