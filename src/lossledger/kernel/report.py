"""What a unit says at an instant and at the end of the session."""

from lossledger.kernel.blocks import mark_before
from lossledger.kernel.compiler import compiled
from lossledger.kernel.contracts import unrealised, worth
from lossledger.kernel.episode import end_episode
from lossledger.kernel.layout import (
    FUNDINGS,
    NEVER,
    OPEN,
    POSITIONS,
    SNAPSHOTS,
    UNITS,
    Amount,
    Bucket,
    Market,
    Out,
    Rest,
    State,
    Unit,
)
from lossledger.kernel.search import equity_before


@compiled
def snapshot(market: Market, rest: Rest, out: Out, unit: int, before: int) -> bool:
    """The unit at an asked-for instant, just before `before`; False when there is no room."""
    state = rest.state[0]
    if out.counts[SNAPSHOTS] + max(1, state.held) > len(out.snapshots):
        return False
    equity = equity_before(market, rest, before)
    for h in range(max(1, state.held)):
        row = out.snapshots[out.counts[SNAPSHOTS]]
        out.counts[SNAPSHOTS] += 1
        row.unit, row.ts, row.wallet, row.equity = unit, before - 1, state.wallet, equity
        if state.held == 0:
            row.instrument = -1
            row.lots = row.entry_value = row.value = row.unrealised = row.mark = 0
            continue
        slot = rest.slots[rest.held[h]]
        terms = market.instruments[slot.instrument]
        mark = mark_before(market, terms, before)
        row.instrument, row.lots, row.entry_value = slot.instrument, slot.lots, slot.entry_value
        row.value, row.unrealised, row.mark = worth(terms, slot, mark), unrealised(terms, slot, mark), mark
    return True


@compiled
def write_unit(out: Out, state: State, given: Unit, unit: int, equity: Amount) -> None:
    """The roll-forward of the unit's wallet and debt."""
    row = out.units[out.counts[UNITS]]
    out.counts[UNITS] += 1
    row.unit, row.active, row.opening_wallet, row.transfers = (
        unit,
        state.active,
        given.wallet,
        state.transfers,
    )
    row.realised_pnl, row.fees, row.funding = state.realised_pnl, state.fees, state.funding
    row.negative_balance_reset = state.negative_balance_reset
    row.surplus_forfeited, row.socialised_charge = state.surplus_forfeited, state.charged
    row.fund_settlement = 0  # of a liquidator, whose lots are replayed beside its unit (kernel/lots.py)
    row.closing_wallet, row.closing_unrealised = state.wallet, equity - state.wallet
    row.opening_unrealised, row.opening_debt = given.unrealised, given.debt
    row.new_debt, row.recovered, row.closing_debt = state.new_debt, state.recovered, state.debt


@compiled
def finish(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int) -> bool:
    """The end of the session: the unit's row, if there is anything to say, its positions and its funding."""
    state, given = rest.state[0], bucket.units[unit]
    counts = out.counts
    if counts[FUNDINGS] + state.slots > len(out.funding) or counts[UNITS] >= len(out.units):
        return False
    if counts[POSITIONS] + state.held > len(out.positions):
        return False
    for k in range(state.slots):
        slot = rest.slots[k]
        if slot.funding_events:
            row = out.funding[counts[FUNDINGS]]
            row.unit, row.instrument, row.amount, row.events = (
                unit,
                slot.instrument,
                slot.funding,
                slot.funding_events,
            )
            counts[FUNDINGS] += 1
    equity = equity_before(market, rest, NEVER)
    if state.episode and not end_episode(market, rest, out, unit, NEVER, OPEN, equity, 0):
        return False
    debts = given.debt != 0 or state.new_debt != 0 or state.recovered != 0 or state.debt != 0
    if not (state.active or state.held or state.wallet or debts):
        return True
    write_unit(out, state, given, unit, equity)
    for h in range(state.held):
        slot = rest.slots[rest.held[h]]
        row = out.positions[counts[POSITIONS]]
        counts[POSITIONS] += 1
        row.unit, row.instrument, row.lots, row.entry_value = (
            unit,
            slot.instrument,
            slot.lots,
            slot.entry_value,
        )
        row.mark = mark_before(market, market.instruments[slot.instrument], NEVER)
    return True
