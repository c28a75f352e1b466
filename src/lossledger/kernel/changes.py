"""How units stand at instants that are asked for, told by what has changed from one to the next.

A unit is told of at the first instant after something has happened to it: its positions that are not as they were told,
or its wallet alone. So the rows follow what happens, not instants times units.
"""

from lossledger.kernel.blocks import first_not_before
from lossledger.kernel.compiler import compiled
from lossledger.kernel.layout import CHANGES, Amount, Bucket, Out, Rest, State


@compiled
def has_changed(bucket: Bucket, state: State, ts: int) -> None:
    """Something has happened at ts: it is told at the first instant not before."""
    state.untold = 1
    if state.instant < len(bucket.instants) and bucket.instants[state.instant] < ts:
        state.instant = first_not_before(bucket.instants, state.instant, len(bucket.instants), ts)


@compiled
def write_change(
    out: Out, unit: int, ts: int, instrument: int, lots: int, entry_value: Amount, wallet: Amount
) -> None:
    row = out.changes[out.counts[CHANGES]]
    out.counts[CHANGES] += 1
    row.unit, row.ts, row.instrument, row.wallet = unit, ts, instrument, wallet
    row.lots, row.entry_value = lots, entry_value


@compiled
def tell(bucket: Bucket, rest: Rest, out: Out, unit: int, before: int) -> bool:
    """What is untold of instants before a time at which something is going to happen; False when there is no room."""
    state = rest.state[0]
    if state.untold == 0 or state.instant == len(bucket.instants):
        return True
    ts = bucket.instants[state.instant]
    if ts >= before:
        return True
    first = out.counts[CHANGES]
    if first + state.slots + 1 > len(out.changes):
        return False
    for k in range(state.slots):
        slot = rest.slots[k]
        if slot.lots != slot.told_lots or slot.entry_value != slot.told_entry_value:
            write_change(out, unit, ts, slot.instrument, slot.lots, slot.entry_value, state.wallet)
            slot.told_lots, slot.told_entry_value = slot.lots, slot.entry_value
    if out.counts[CHANGES] == first and state.wallet != state.told_wallet:
        write_change(out, unit, ts, -1, 0, 0, state.wallet)
    state.told_wallet, state.untold = state.wallet, 0
    return True
