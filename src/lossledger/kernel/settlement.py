"""After all events of a timestamp: the end of an episode, negative balances and debt (sections 8 and 9)."""

from lossledger.kernel.bounds import grows_out
from lossledger.kernel.compiler import compiled
from lossledger.kernel.episode import end_episode
from lossledger.kernel.fills import move_to_fund
from lossledger.kernel.layout import (
    CAUSE_LIQUIDATION,
    CAUSE_TRADING,
    CAUSE_TRANSFER,
    DEFICITS,
    DONE,
    EPISODES,
    FLAT,
    NO_ROOM,
    NONE,
    OPEN,
    REFUSED,
    SELF_CLOSED,
    SURPLUS,
    Bucket,
    Market,
    Out,
    Rest,
    State,
    Terms,
)


@compiled
def watch(state: State) -> None:
    """Resets, forfeits and debts are sums of what is bounded, over any number of episodes."""
    largest = max(state.negative_balance_reset, state.surplus_forfeited, state.new_debt, state.recovered)
    if grows_out(largest):
        state.negative_balance_reset = state.surplus_forfeited = state.new_debt = state.recovered = 0
        state.unfit = 1


@compiled
def check_negative_balance(
    bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, cause: int, episode: int
) -> int:
    """A flat unit that was touched: a negative-balance event, a recovery, or nothing."""
    state = rest.state[0]
    loss = max(0, -state.wallet) - state.debt
    if loss <= 0:
        state.debt += loss
        state.recovered -= loss
        watch(state)
        return DONE
    if out.counts[DEFICITS] >= len(out.deficits):
        return NO_ROOM
    account = bucket.accounts[bucket.units[unit].account]
    k = account.version_to - 1
    while k >= account.version_from and bucket.versions[k].valid_from > ts:
        k -= 1
    if k < account.version_from:
        return REFUSED  # unknown before its first version: a data error that the reference reports
    covered = bucket.versions[k].protected != 0 and cause != CAUSE_TRANSFER
    if covered:
        state.wallet += loss
        state.negative_balance_reset += loss
    else:
        state.debt += loss
        state.new_debt += loss
    watch(state)
    row = out.deficits[out.counts[DEFICITS]]
    row.unit, row.ts, row.client_class, row.cause = unit, ts, bucket.versions[k].client_class, cause
    row.episode = episode if cause == CAUSE_LIQUIDATION else -1
    row.protected, row.session_transfers, row.deficit = 1 if covered else 0, state.transfers, loss
    out.counts[DEFICITS] += 1
    return DONE


@compiled
def settle(
    market: Market,
    bucket: Bucket,
    rest: Rest,
    out: Out,
    unit: int,
    ts: int,
    policy: Terms,
    touched: bool,
    filled: bool,
    house: bool,
) -> int:
    """After all events of a timestamp: a flat unit ends its episode and may be below zero (section 9)."""
    state = rest.state[0]
    if state.held:
        return DONE
    episode, reason = -1, OPEN
    if state.episode:
        reason = SELF_CLOSED if state.first_execution_at == NONE else FLAT
        equity, surplus, episode = state.wallet, 0, out.counts[EPISODES]
        if reason == FLAT and policy.surplus_to_fund and equity > 0:
            surplus = equity
            state.wallet = 0
            state.surplus_forfeited += surplus
            watch(state)
            if not move_to_fund(out, unit, ts, SURPLUS, -1, -1, episode, surplus):
                return NO_ROOM
        if not end_episode(market, rest, out, unit, ts, reason, equity, surplus):
            return NO_ROOM
    if not touched or house:
        return DONE
    cause = CAUSE_LIQUIDATION if reason == FLAT else CAUSE_TRADING if filled else CAUSE_TRANSFER
    return check_negative_balance(bucket, rest, out, unit, ts, cause, episode)
