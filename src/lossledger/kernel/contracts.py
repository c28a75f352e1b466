"""What a position is worth, and what a fill does to it (rules.md sections 2 and 5)."""

from lossledger.kernel.compiler import compiled
from lossledger.kernel.layout import Amount, Instrument, Slot
from lossledger.kernel.wide import half_even


@compiled
def value_of(terms: Instrument, lots: int, price: int) -> int:
    """V(q, p) in ledger units."""
    if terms.direction > 0:
        return half_even(lots, price * terms.factor, terms.other)
    return half_even(lots, terms.other, price * terms.factor)


@compiled
def sense(terms: Instrument, lots: int) -> int:
    """s·d: +1 where the position gains when its value rises."""
    return terms.direction if lots > 0 else -terms.direction


@compiled
def worth(terms: Instrument, slot: Slot, mark: int) -> int:
    """V(|Q|, mark), or the entry value before the first tick (section 6)."""
    if mark == 0 or slot.lots == 0:
        return slot.entry_value
    return value_of(terms, abs(slot.lots), mark)


@compiled
def unrealised(terms: Instrument, slot: Slot, mark: int) -> int:
    """uPnL at a mark."""
    return sense(terms, slot.lots) * (worth(terms, slot, mark) - slot.entry_value)


@compiled
def apply_fill(terms: Instrument, slot: Slot, lots: int, value: Amount) -> int:
    """Open, increase, reduce or turn a position by a fill of that value: the realised PnL."""
    held, size = abs(slot.lots), abs(lots)
    if held == 0 or (slot.lots > 0) == (lots > 0):
        slot.lots += lots
        slot.entry_value += value
        return 0
    reduced = min(held, size)
    closed = value if reduced == size else half_even(value, reduced, size)
    leaving = slot.entry_value if reduced == held else half_even(slot.entry_value, reduced, held)
    realised = sense(terms, slot.lots) * (closed - leaving)
    slot.lots += lots
    if size > reduced:
        slot.entry_value = value - closed
    else:
        slot.entry_value -= leaving
    return realised
