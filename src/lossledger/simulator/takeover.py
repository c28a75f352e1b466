"""Takes positions over on the fund's account, and unwinds them: in the market, or by deleveraging winners."""

from collections.abc import Iterator

from lossledger.simulator.closing import market_price, winners
from lossledger.simulator.contracts import Contract
from lossledger.simulator.ledger import Position, Unit
from lossledger.simulator.venue import LIQUIDATOR, MAKER, Venue, trade_fees

BACKSTOP_BELOW = (2, 3)  # of the maintenance margin: with less equity the market gets nothing more
UNWIND_SECONDS = 120  # mean time until the next part of a position is unwound
UNWIND_PARTS = 4  # of a position, unless its oldest lot is larger


class Takeover:
    """The liquidator: from whom it takes positions over, and how it gets rid of them."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue
        self._unwinding: set[int] = set()  # contracts that will be unwound

    def wants(self, unit: Unit) -> bool:
        """Whether the unit goes to the liquidator, as it is worth now."""
        venue = self._venue
        if venue.config.liquidations == "backstop":
            share, of = BACKSTOP_BELOW
            margin = unit.maintenance(venue.marks, venue.tables)
            return of * unit.equity(venue.marks) < share * margin
        return bool(venue.lots)

    def take(self, ts: int, unit: Unit) -> None:
        """Take all positions over at prices at which the unit ends at zero, or a little above, without a fee."""
        venue = self._venue
        kinds = ("liquidation", "liquidation")
        liquidator = venue.house(LIQUIDATOR, unit.currency)
        for index in sorted(unit.positions):
            position = unit.positions[index]
            contract, side, lots = position.contract, position.side, position.lots
            ticks = self._takeover_price(unit, position)
            venue.trade(ts, contract, lots, ticks, -side, unit, liquidator, (0, 0), kinds)
            venue.counts["takeovers"] += 1

    def _takeover_price(self, unit: Unit, position: Position) -> int:
        """At which the position takes its share of the unit's equity along; the last one takes all that is left."""
        venue, contract = self._venue, position.contract
        mark = venue.marks[contract.index]
        sign = position.side * contract.direction
        margin = unit.maintenance(venue.marks, venue.tables)
        own = venue.tables[contract.index].maintenance(contract.value(position.lots, mark))
        if len(unit.positions) == 1 or not margin:
            value = position.entry_value - sign * unit.wallet
        else:
            value = contract.value(position.lots, mark) - sign * (unit.equity(venue.marks) * own // margin)
        return _price_of(contract, position.side, position.lots, value) or mark

    def to_unwind(self) -> Iterator[tuple[Contract, int]]:
        """Contracts with open lots that nobody has planned to unwind, each with the time until then, in µs."""
        venue = self._venue
        for contract, book in zip(venue.contracts, venue.lots, strict=False):  # no lots without takeovers
            if book.open and contract.index not in self._unwinding:
                self._unwinding.add(contract.index)
                yield contract, 1 + int(venue.rng.expovariate(1 / UNWIND_SECONDS) * 10**6)

    def unwind(self, ts: int, contract: Contract) -> None:
        """Close a part of the position; against winners when the fund could not pay what the oldest lot loses."""
        venue = self._venue
        self._unwinding.discard(contract.index)
        book = venue.lots[contract.index]
        if not book.open or self._deleverage(ts, contract):
            return
        unit, lot = venue.house(LIQUIDATOR, contract.settlement), book.open[0]
        size = max(lot.size, -(-abs(book.position) // UNWIND_PARTS))
        ticks = market_price(venue, contract, lot.side)
        fees = trade_fees(contract.value(size, ticks))
        venue.trade(ts, contract, size, ticks, -lot.side, unit, venue.house(MAKER, contract.settlement), fees)

    def _deleverage(self, ts: int, contract: Contract) -> bool:
        """Hand the oldest lot on to winners at the price of its takeover, if the fund is too short for its loss."""
        venue = self._venue
        unit, lot = venue.house(LIQUIDATOR, contract.settlement), venue.lots[contract.index].open[0]
        mark = venue.marks[contract.index]
        loss = lot.side * contract.direction * (lot.value - contract.value(lot.size, mark))
        ticks = _price_of(contract, lot.side, lot.size, lot.value)
        if loss <= venue.waterfall.available(contract.settlement) or not ticks:
            return False
        size_before = left = lot.size
        for winner in winners(venue, unit, unit.positions[contract.index], ticks):
            size = min(left, winner.positions[contract.index].lots)
            venue.trade(ts, contract, size, ticks, -lot.side, unit, winner, (0, 0), ("liquidation", "adl"))
            left -= size
            if not left:
                break
        return left < size_before


def _price_of(contract: Contract, side: int, lots: int, value: int) -> int:
    """The tick at which so many lots are worth a value, or the next one to the seller's or buyer's favour; 0: none."""
    if value <= 0:
        return 0
    ticks = contract.ticks_for(value, lots)
    exact = contract.value(lots, ticks) == value if ticks else False
    return ticks if side < 0 or exact else ticks + 1
