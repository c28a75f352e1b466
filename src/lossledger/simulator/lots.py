"""What the fund's liquidator has taken over, lot by lot, first in, first out (rules, section 15)."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from lossledger.simulator.contracts import Contract, div_half_even
from lossledger.simulator.ledger import MoneyNotConserved, Unit


@dataclass
class Lot:
    """A position, or what is left of it: side +1 long or -1 short, size in contract lots, ledger units."""

    side: int
    size: int
    value: int
    fee: int


class LotBook:
    """The open lots of one contract, all on one side; `direction` is the contract's."""

    def __init__(self, direction: int) -> None:
        self._direction = direction
        self.open: deque[Lot] = deque()

    @property
    def position(self) -> int:
        """Signed size of all open lots."""
        return sum(lot.side * lot.size for lot in self.open)

    def fill(self, buy: int, size: int, value: int, fee: int) -> list[int]:
        """One fill of the liquidator: close what it reduces, open the rest; the result of each closing."""
        results = []
        done = 0
        while done < size and self.open and self.open[0].side != buy:
            lot = self.open[0]
            out = min(size - done, lot.size)
            close_value, close_fee = (_part(amount, done, done + out, size) for amount in (value, fee))
            open_value, open_fee = (
                amount if out == lot.size else div_half_even(amount * out, lot.size)
                for amount in (lot.value, lot.fee)
            )
            results.append(lot.side * self._direction * (close_value - open_value) - close_fee - open_fee)
            lot.size, lot.value, lot.fee = lot.size - out, lot.value - open_value, lot.fee - open_fee
            done += out
            if lot.size == 0:
                self.open.popleft()
        if done < size:
            self.open.append(Lot(buy, size - done, *(_part(a, done, size, size) for a in (value, fee))))
        return results


def check_lots(unit: Unit, contracts: Sequence[Contract], books: Sequence[LotBook], lent: int) -> None:
    """Assert that the liquidator's positions are its lots, and that all it made went to the fund.

    `lent`: its own money in the unit's currency. Its wallet is that, but for what open lots and positions by average
    entry value tell apart.
    """
    own = unit.wallet
    for contract, book in zip(contracts, books, strict=True):
        if contract.settlement != unit.currency:
            continue
        held = unit.positions.get(contract.index)
        if book.position != (held.side * held.lots if held else 0):
            raise MoneyNotConserved(f"{contract.instrument_id}: lots are not the liquidator's position")
        own -= held.side * contract.direction * held.entry_value if held else 0
        own += sum(lot.side * contract.direction * lot.value + lot.fee for lot in book.open)
    if own != lent:
        raise MoneyNotConserved(f"{unit.currency}: the liquidator keeps {own - lent} ledger units")


def _part(amount: int, start: int, end: int, size: int) -> int:
    """The part of a fill's amount between two quantities of it, so that the parts add up to the amount."""
    return div_half_even(amount * end, size) - div_half_even(amount * start, size)
