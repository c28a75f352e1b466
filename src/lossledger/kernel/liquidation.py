"""Trigger and recovery (rules.md sections 7 and 8); kernel/simulation.py has what a simulated liquidation executes."""

from lossledger.kernel.compiler import compiled
from lossledger.kernel.episode import end_episode, open_episode
from lossledger.kernel.layout import (
    DONE,
    MARGIN,
    NEVER,
    NO_ROOM,
    RECOVERED,
    Bucket,
    Market,
    Out,
    Rest,
    Terms,
)
from lossledger.kernel.search import BREACH, RECOVERY, equity_before, first_hit, is_safe
from lossledger.kernel.simulation import execute, next_execution


@compiled
def next_stop(market: Market, rest: Rest, end: int, policy: Terms, any_lte: int) -> int:
    """The first tick time before `end` at which something happens to the unit, NEVER without one."""
    state = rest.state[0]
    if not state.episode:
        if is_safe(market, rest, end, any_lte):
            return NEVER
        return first_hit(market, rest, state.cursor, end, policy.lte, BREACH)
    stop = NEVER
    if policy.simulated:
        stop = next_execution(market, rest, policy)
        if stop >= end:
            stop = NEVER
    if recovers(policy):
        stop = min(stop, next_recovery(market, rest, min(end, stop), policy))
    return stop


@compiled
def recovers(policy: Terms) -> bool:
    """Whether an episode ends when the unit no longer breaches."""
    return policy.simulated == 0 or policy.until_recovered != 0


@compiled
def next_recovery(market: Market, rest: Rest, end: int, policy: Terms) -> int:
    start = max(rest.state[0].cursor, rest.state[0].triggered_at + 1)
    return first_hit(market, rest, start, end, policy.lte, RECOVERY)


@compiled
def tick_step(market: Market, bucket: Bucket, rest: Rest, out: Out, unit: int, ts: int, policy: Terms) -> int:
    """The ticks of a time at which the search stopped: a trigger, a recovery, or a simulated execution."""
    state = rest.state[0]
    if not state.episode:
        open_episode(market, rest, ts, ts + 1, MARGIN, policy.simulated)
    elif recovers(policy) and next_recovery(market, rest, ts + 1, policy) == ts:
        equity = equity_before(market, rest, ts + 1)
        return DONE if end_episode(market, rest, out, unit, ts, RECOVERED, equity, 0) else NO_ROOM
    return execute(market, bucket, rest, out, unit, ts, policy) if policy.simulated else DONE
