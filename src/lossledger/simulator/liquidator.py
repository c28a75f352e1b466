"""The liquidation engine: exact in what it sees, late and expensive in what it does."""

from decimal import Decimal
from heapq import heappop, heappush

from lossledger.simulator.closing import market_price, winners
from lossledger.simulator.contracts import Contract, div_half_even, mantissa_of
from lossledger.simulator.ledger import Position, Unit
from lossledger.simulator.takeover import Takeover
from lossledger.simulator.venue import LIQUIDATOR, MAKER, Venue

MAX_DELAY_SECONDS = 900.0
QUEUE_OF_NORMAL_LENGTH = 25  # so many open liquidations double the delay
STUBBORN_SHARE = 0.04  # of liquidations under way that go on although the unit has recovered
ADL_SHARE = 0.5  # of deficits the fund could not pay that are taken over by winners instead
MAX_ADL_MOVE = 0.25


class Liquidator:
    """Queue of triggered units and how each is closed: against the house, against winners, or by a takeover.

    Contracts in the queue are those in which the liquidator unwinds what it took over.
    """

    def __init__(self, venue: Venue) -> None:
        self._venue, self._rng = venue, venue.rng
        self._takeover = Takeover(venue)
        self._queue: list[tuple[int, int, Unit | Contract]] = []
        self._recovered: list[Unit] = []
        self._number = 0
        self._fee = mantissa_of(Decimal(venue.config.liquidation_fee_rate))

    def due(self, until_us: int) -> list[tuple[int, Unit | Contract]]:
        """Take from the queue what is to be done before until_us."""
        taken = []
        while self._queue and self._queue[0][0] < until_us:
            ts, _, what = heappop(self._queue)
            taken.append((ts, what))
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

    def act(self, ts: int, what: Unit | Contract) -> None:
        """Close, take over or unwind; come back later for the rest."""
        if isinstance(what, Contract):
            self._takeover.unwind(ts, what)
        else:
            self._liquidate(ts, what)
        for contract, delay_us in self._takeover.to_unwind():
            self._put(contract, self._venue.last_us + delay_us)

    def _liquidate(self, ts: int, unit: Unit) -> None:
        """The whole unit to the liquidator, or all or half of one position to the market."""
        venue = self._venue
        if not unit.positions:
            unit.liquidating = False
            return
        if self._has_recovered(unit):
            self._recovered.append(unit)
            return
        if self._takeover.wants(unit):
            self._takeover.take(ts, unit)
            venue.counts["liquidated"] += 1
            unit.liquidating = False
            return
        position = unit.positions[min(unit.positions)]
        contract = position.contract
        lots = position.lots
        if lots > 1 and self._rng.random() < 0.3:
            lots = (lots + 1) // 2
        if venue.lots or not self._deleverage(ts, unit, position):
            ticks = market_price(venue, contract, position.side)
            house = venue.house(MAKER if venue.lots else LIQUIDATOR, contract.settlement)
            fee = self._fee_units(contract, lots, ticks)
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

    def _put(self, what: Unit | Contract, ts: int) -> None:
        self._number += 1
        heappush(self._queue, (ts, self._number, what))

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
        for winner in winners(venue, unit, position, ticks):
            lots = min(position.lots, winner.positions[contract.index].lots)
            venue.trade(ts, contract, lots, ticks, -position.side, unit, winner,
                        (self._fee_units(contract, lots, ticks), 0), ("liquidation", "adl"))  # fmt: skip
            done = True
            if not unit.positions:
                break
        return done
