"""The liquidation engine: exact in what it sees, late and expensive in what it does."""

from decimal import Decimal
from heapq import heappop, heappush

from lossledger.simulator.contracts import Contract, div_half_even, mantissa_of
from lossledger.simulator.flow import LIQUIDATOR
from lossledger.simulator.ledger import Position, Unit
from lossledger.simulator.venue import Venue

MAX_DELAY_SECONDS = 900.0
QUEUE_OF_NORMAL_LENGTH = 25  # so many open liquidations double the delay
STUBBORN_SHARE = 0.04  # of liquidations under way that go on although the unit has recovered
ADL_SHARE = 0.5  # of deficits the fund could not pay that are taken over by winners instead
MAX_ADL_COUNTERPARTIES = 8
MAX_ADL_MOVE = 0.25


class Liquidator:
    """Queue of triggered units and how each is closed: against the house, or against winners."""

    def __init__(self, venue: Venue) -> None:
        self._venue, self._rng = venue, venue.rng
        self._queue: list[tuple[int, int, Unit]] = []
        self._recovered: list[Unit] = []
        self._number = 0
        self._fee = mantissa_of(Decimal(venue.config.liquidation_fee_rate))
        self._slippage = float(venue.config.slippage_rate)

    def due(self, until_us: int) -> list[tuple[int, Unit]]:
        """Take from the queue what is to be done before until_us."""
        taken = []
        while self._queue and self._queue[0][0] < until_us:
            ts, _, unit = heappop(self._queue)
            taken.append((ts, unit))
        return taken

    def released(self) -> list[Unit]:
        """Units that recovered since the last tick: free to trade again, and to be looked at now."""
        units, self._recovered = self._recovered, []
        for unit in units:
            unit.liquidating = False
        return units

    def trigger(self, unit: Unit, ts: int) -> None:
        """A unit is below its maintenance margin: close it, some time later."""
        unit.liquidating = True
        self._venue.counts["triggers"] += 1
        congestion = 1 + len(self._queue) / QUEUE_OF_NORMAL_LENGTH
        seconds = self._rng.expovariate(1.0) * self._venue.config.lateness_seconds * congestion
        self._put(unit, ts + 1_000 + int(min(seconds, MAX_DELAY_SECONDS) * 10**6))

    def act(self, ts: int, unit: Unit) -> None:
        """Close all or half of one position; come back later for the rest."""
        venue = self._venue
        if not unit.positions:
            unit.liquidating = False
            return
        if self._has_recovered(unit):
            self._recovered.append(unit)
            return
        position = unit.positions[min(unit.positions)]
        contract = position.contract
        lots = position.lots
        if lots > 1 and self._rng.random() < 0.3:
            lots = (lots + 1) // 2
        if not self._deleverage(ts, unit, position):
            ticks = self._price(contract, position.side)
            house, fee = venue.house(LIQUIDATOR, contract.settlement), self._fee_units(contract, lots, ticks)
            kinds = ("liquidation", "liquidation")
            venue.trade(ts, contract, lots, ticks, -position.side, unit, house, (fee, 0), kinds)
        if unit.positions:
            self._put(unit, venue.last_us + 200_000 + int(self._rng.expovariate(0.25) * 10**6))
        else:
            venue.counts["liquidated"] += 1
            unit.liquidating = False

    def _has_recovered(self, unit: Unit) -> bool:
        venue = self._venue
        if unit.equity(venue.marks) < unit.maintenance(venue.marks, venue.tables):
            return False
        return self._rng.random() >= STUBBORN_SHARE

    def _put(self, unit: Unit, ts: int) -> None:
        self._number += 1
        heappush(self._queue, (ts, self._number, unit))

    def _price(self, contract: Contract, side: int) -> int:
        """The mark, less slippage that grows with how fast the mark is moving."""
        mark, before = self._venue.marks[contract.index], self._venue.previous_marks[contract.index]
        slippage = self._slippage * (0.2 + self._rng.random())
        slippage += min(0.05, abs(mark - before) / mark * self._rng.random())
        return max(1, mark - side * max(1, int(mark * slippage)))

    def _fee_units(self, contract: Contract, lots: int, ticks: int) -> int:
        mantissa, scale = self._fee
        return div_half_even(contract.value(lots, ticks) * mantissa, 10**scale)

    def _deleverage(self, ts: int, unit: Unit, position: Position) -> bool:
        """Close the unit's last position against winners at its bankruptcy price, if the fund is short."""
        venue, contract = self._venue, position.contract
        equity = unit.equity(venue.marks)
        if len(unit.positions) > 1 or -equity <= venue.waterfall.available(unit.currency):
            return False
        if self._rng.random() >= ADL_SHARE:
            return False
        mark = venue.marks[contract.index]
        # s d (V* - EV) + W = 0: the value at which the unit's equity is zero.
        value = position.entry_value - position.side * contract.direction * unit.wallet
        if value <= 0:
            return False
        ticks = contract.ticks_for(value, position.lots)
        if ticks < 1 or abs(ticks - mark) > MAX_ADL_MOVE * mark:
            return False
        done = False
        for winner in self._winners(unit, position, ticks):
            lots = min(position.lots, winner.positions[contract.index].lots)
            venue.trade(ts, contract, lots, ticks, -position.side, unit, winner,
                        (self._fee_units(contract, lots, ticks), 0), ("liquidation", "adl"))  # fmt: skip
            done = True
            if not unit.positions:
                break
        return done

    def _winners(self, unit: Unit, position: Position, ticks: int) -> list[Unit]:
        """Units in profit on the other side that can bear the price, best ranked first."""
        venue, contract = self._venue, position.contract
        mark = venue.marks[contract.index]
        ranked = []
        for key, other in venue.holders[contract.index].items():
            held = other.positions[contract.index]
            if other.house or other.liquidating or held.side == position.side or not held.entry_value:
                continue
            profit, equity = held.unrealised(mark), other.equity(venue.marks)
            worth = contract.value(held.lots, mark)
            loss = abs(worth - contract.value(held.lots, ticks))
            if other.account_id == unit.account_id or profit <= 0 or 3 * loss >= equity:
                continue
            ranked.append((-profit * worth / (held.entry_value * equity), key, other))
        return [other for _, _, other in sorted(ranked, key=lambda r: r[:2])[:MAX_ADL_COUNTERPARTIES]]
