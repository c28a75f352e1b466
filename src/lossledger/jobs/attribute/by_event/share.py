"""What a worker does: share the shortfalls of some events under a rule that looks at all units at their time."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa

from lossledger.engine.rows import NegativeBalance, Snapshot
from lossledger.engine.rules.comparison import RULES, SharedLoss, Shortfall
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.by_event.plain import PlainStates
from lossledger.jobs.attribute.by_event.states import States
from lossledger.jobs.attribute.remainder import split
from lossledger.jobs.replay.source import BucketTask
from lossledger.schemas.ledger import EVENT_CHARGES, EVENT_STATES
from lossledger.store.amount_arrays import FITS, Amounts, to_decimals
from lossledger.store.session_units import session_market
from lossledger.store.staging import Part, Staging

if TYPE_CHECKING:
    from lossledger.jobs.attribute.by_event.columns import ColumnStates

See = Callable[[NegativeBalance, Mapping[str, int]], Sequence[Snapshot]]


class Event(NamedTuple):
    """A covered deficit and what the fund could not pay of it."""

    deficit: NegativeBalance
    shortfall: int


@dataclass
class SharesTask:
    """Some events of a currency, in order, under a rule. `replay`: of any buckets, for the session's prices."""

    replay: BucketTask
    number: int
    rule: str
    currency: str
    events: Sequence[Event]
    staging: Staging
    scales: Mapping[str, int]
    size: int  # as in Books


class Shared(NamedTuple):
    """The part of event_charges that was written, and what nobody is charged, in ledger units."""

    part: Part | None
    uncovered: int


class Charged(NamedTuple):
    """What accounts are charged, and what nobody is."""

    accounts: pa.Array
    charges: Amounts
    uncovered: int


class Held(Protocol):
    """The states of a currency's units, as they are after the changes that have been taken."""

    def window(self, changes: pa.Table) -> Any:
        """Rows of `States.windows`, as they are taken."""

    def take(self, window: Any, first: int, after: int) -> None:
        """Some of its rows, which are in the order of time."""


def share_events(task: SharesTask) -> Shared:
    """Go through the events with the states of all units."""
    instruments = sorted(task.replay.reference.contracts)
    with Books(task.staging, task.scales, task.size) as books:
        books.view(EVENT_STATES)
        states = States(books, task.currency, instruments, task.replay.reference.known.liquidators)
        found = _in_columns(task, states, instruments)
        if found is None:
            plain = PlainStates(states, session_market(task.replay, instruments), instruments)
            found = by_the_rule(task.rule, in_order(task.events, states, plain), plain.seen)
    charged = (found.charges > 0).astype(bool)
    accounts = found.accounts.filter(pa.array(charged))
    table = pa.table(
        {
            "rule": pa.repeat(task.rule, len(accounts)),
            "currency": pa.repeat(task.currency, len(accounts)),
            "account_id": accounts,
            "charge": to_decimals(found.charges[charged]),
        }
    )
    return Shared(task.staging.write_part(EVENT_CHARGES, task.number, table), found.uncovered)


def _in_columns(task: SharesTask, states: States, instruments: Sequence[str]) -> Charged | None:
    """By arrays; None where a number does not fit into them."""
    from lossledger.jobs.attribute.by_event.columns import (  # the kernel takes a second to load
        ColumnStates,
        Unfit,
    )
    from lossledger.jobs.replay.directory import read_directory
    from lossledger.jobs.replay.prices import read_prices

    directory = read_directory(replace(task.replay, buckets=[]))  # of no accounts
    columns = ColumnStates(states, read_prices(task.replay, directory), instruments)
    events = in_order(task.events, states, columns)
    try:
        if task.rule == "adl_queue":
            return by_the_rule(task.rule, events, columns.candidates)
        return by_weights(events, states, columns)
    except Unfit:
        return None


def in_order(events: Sequence[Event], states: States, held: Held) -> Iterator[Event]:
    """The events one after the other, while `held` is as units are at their times."""
    rest = iter(events)
    event = next(rest, None)
    for changes in states.windows(events[-1].deficit.ts):
        window, times, at = held.window(changes), changes.column("ts").to_numpy(), 0
        while event is not None and event.deficit.ts <= times[-1]:
            after = int(np.searchsorted(times, event.deficit.ts, "right"))
            held.take(window, at, after)
            yield event
            event, at = next(rest, None), after
        held.take(window, at, len(times))
    while event is not None:  # nothing has changed since
        yield event
        event = next(rest, None)


def by_weights(events: Iterable[Event], states: States, columns: "ColumnStates") -> Charged:
    """`open_interest_prorata` on arrays: every holder in proportion to value."""
    charges: Amounts = np.zeros(len(states.accounts), np.int64)
    uncovered = total = 0
    for event in events:
        total += event.shortfall
        if total >= FITS and charges.dtype != object:
            charges = charges.astype(object)
        units, weights = columns.weights(event.deficit, closed_in(event))
        if len(units):
            charges[units] += split(event.shortfall, weights).astype(charges.dtype)
        else:
            uncovered += event.shortfall
    return Charged(*states.by_account(charges), uncovered)


def by_the_rule(rule: str, events: Iterable[Event], see: See) -> Charged:
    """The rule itself on what it has to see of the units; `see` is told what was liquidated."""
    charges: defaultdict[str, int] = defaultdict(int)
    uncovered = 0
    for event in events:
        shortfall = Shortfall(event.deficit, event.shortfall, see(event.deficit, closed_in(event)))
        found = RULES[rule](SharedLoss([shortfall], {}, 0))
        uncovered += found.uncovered
        for account_id, amount in found.charges.items():
            charges[account_id] += amount
    accounts = sorted(charges)
    amounts = np.array([charges[account_id] for account_id in accounts], object)
    return Charged(pa.array(accounts, pa.string()), amounts, uncovered)


def closed_in(event: Event) -> dict[str, int]:
    """Per instrument the signed sum of what was liquidated, in 10^-18."""
    closed: dict[str, list[str]] = json.loads(event.deficit.liquidated)
    return {name: int(net) for name, (net, _) in sorted(closed.items())}
