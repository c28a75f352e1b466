"""How a position is closed: at a price in the market, or against winners on the other side."""

from lossledger.simulator.contracts import Contract
from lossledger.simulator.ledger import Position, Unit
from lossledger.simulator.venue import Venue

MAX_ADL_COUNTERPARTIES = 8


def market_price(venue: Venue, contract: Contract, side: int) -> int:
    """The mark, less slippage that grows with how fast the mark is moving."""
    mark, before = venue.marks[contract.index], venue.previous_marks[contract.index]
    slippage = float(venue.config.slippage_rate) * (0.2 + venue.rng.random())
    slippage += min(0.05, abs(mark - before) / mark * venue.rng.random())
    return max(1, mark - side * max(1, int(mark * slippage)))


def winners(venue: Venue, unit: Unit, position: Position, ticks: int) -> list[Unit]:
    """Units in profit on the other side that can bear the price, best ranked first."""
    contract = position.contract
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
