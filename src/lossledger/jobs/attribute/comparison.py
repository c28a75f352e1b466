"""The tables rule_comparison and rule_totals of a session, out of core (rules.md section 14).

Three rules share by a basis, an array over accounts. The other two look at all units at the time of each event: tasks
write how units stand then, others go through the events with these states (jobs.attribute.by_event).
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from lossledger.engine.errors import InvariantError
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rows import NegativeBalance
from lossledger.engine.rules.comparison import BY_EVENT, RULES
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.by_event.share import Event, SharesTask, closed_in, share_events
from lossledger.jobs.attribute.by_event.states import StatesTask, write_states
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.jobs.attribute.remainder import charge
from lossledger.jobs.attribute.sharing import read_basis
from lossledger.jobs.replay.recompute import bucket_tasks
from lossledger.schemas.attribution import RULE_COMPARISON, RULE_TOTALS
from lossledger.schemas.core import Type
from lossledger.schemas.ledger import EVENT_CHARGES, EVENT_STATES
from lossledger.schemas.ledger import NEGATIVE_BALANCES as DEFICITS
from lossledger.store.amount_arrays import Amounts, exact_sum, to_amounts, to_decimals
from lossledger.store.staging import Part

_SHORTFALLS = f"""
    select {", ".join(NegativeBalance._fields)}, deficit - draw as shortfall
    from deficits join draws using (event_id) where protected and deficit > draw
    order by currency, ts, account_id, isolation, place
"""
_CHARGES = """
    select $1 as rule, account_id, $2 as currency, account_type, client_class,
        coalesce(chargeable, 0) * unit as chargeable, charge * unit as charge
    from charges join currencies on currencies.currency = $2
    left join (select * from account_results where currency = $2) as results using (account_id)
    left join holders using (account_id)
"""
_BEYOND = """
    select coalesce(sum(greatest(0, charge - coalesce(chargeable, 0))), 0)
    from charges left join (select * from account_results where currency = ?) as results using (account_id)
"""
_TOTALS = """
    select rule, currency, shortfall * unit as shortfall, charged * unit as charged, to_fund * unit as to_fund,
        uncovered * unit as uncovered, beyond_chargeable * unit as beyond_chargeable, payers
    from totals join currencies using (currency)
"""


class Split(NamedTuple):
    """Charges > 0 by account; charged + uncovered = shortfall + to_fund."""

    accounts: pa.Array
    charges: Amounts
    to_fund: int
    uncovered: int


def compare_rules(books: Books, inputs: Inputs) -> None:
    """Stage both tables: for every currency with a shortfall, the rules that the policy compares."""
    terms = inputs.day.policy.at(inputs.day.end - 1)
    rules = [rule for rule in RULES if rule in terms.compared_rules]
    events = _events(books)
    by_event = [rule for rule in rules if rule in BY_EVENT]
    uncovered = _share_by_event(books, inputs, events, by_event) if events and by_event else {}
    parts: list[Part | None] = []
    totals: list[dict[str, object]] = []
    for currency, own in sorted(events.items()):
        total = sum(event.shortfall for event in own)
        for rule in rules:
            if rule in BY_EVENT:
                found = _by_event(books, rule, currency, uncovered[rule, currency])
            else:
                found = _by_basis(books, rule, currency, total, terms.profit_floor_rate)
            if exact_sum(found.charges) + found.uncovered != total + found.to_fund:
                raise InvariantError(f"the shares of the rule {rule} do not add up to the shortfall")
            parts.append(_charges(books, len(parts), rule, currency, found))
            totals.append(_total(books, rule, currency, total, found))
    books.staging.commit(RULE_COMPARISON, parts)
    if totals:
        books.add("totals", _columns(totals))
        books.write(RULE_TOTALS, _TOTALS)
    else:
        books.staging.commit(RULE_TOTALS, [])


def _events(books: Books) -> dict[str, list[Event]]:
    """By currency, in the order of time."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    for row in books.rows(_SHORTFALLS) if books.staging.rows(DEFICITS) else []:
        event = Event(NegativeBalance(*row[:-1]), row[-1])
        found[event.deficit.currency].append(event)
    return found


# by basis -------------------------------------------------------------------------------------------------


def _by_basis(books: Books, rule: str, currency: str, total: int, floor_rate_e18: int) -> Split:
    """The whole shortfall by a basis; under the floor rule at least a share of all profits is taken."""
    profit = rule == "session_profit_floor"
    basis = read_basis(books, "session_profit_prorata" if profit else rule, currency)
    taken = total
    if profit:
        floor = round_half_even_div(basis.total * floor_rate_e18, E18)
        taken = min(basis.total, max(total, floor))
    charges = charge(taken, basis.amounts)
    charged = exact_sum(charges)
    return _payers(basis.accounts, charges, max(0, taken - total), max(0, total - charged))


def _payers(accounts: pa.ChunkedArray, charges: Amounts, to_fund: int, uncovered: int) -> Split:
    wanted = (charges > 0).astype(bool)
    return Split(accounts.filter(pa.array(wanted)), charges[wanted], to_fund, uncovered)


# by event -------------------------------------------------------------------------------------------------


def _share_by_event(
    books: Books, inputs: Inputs, events: Mapping[str, Sequence[Event]], rules: Sequence[str]
) -> dict[tuple[str, str], int]:
    """Have tasks replay all units to the instants of the events, and share: what is uncovered, by rule and currency."""
    day = inputs.day
    instants = sorted({event.deficit.ts for own in events.values() for event in own if closed_in(event)})
    replays = bucket_tasks(day, inputs.reference, inputs.folders)
    asked = [StatesTask(replay, instants, day.staging) for replay in replays] if instants else []
    stood = [part for parts in day.mapper.map(write_states, asked, books.size) for part in parts]
    books.staging.commit(EVENT_STATES, stood)
    pairs = [(rule, currency) for rule in rules for currency in events]
    each = -(-day.mapper.cut(books.size) // len(pairs))  # with so many tasks of a pair every worker has one
    shares = [(*pair, some) for pair in pairs for some in _cut(events[pair[1]], each)]
    tasks = [
        SharesTask(replays[0], number, *share, day.staging, books.scales, books.size)
        for number, share in enumerate(shares)
    ]
    shared = day.mapper.map(share_events, tasks, books.size)
    books.staging.commit(EVENT_CHARGES, [found.part for found in shared])
    books.view(EVENT_CHARGES)
    uncovered = dict.fromkeys(pairs, 0)
    for task, found in zip(tasks, shared, strict=True):
        uncovered[task.rule, task.currency] += found.uncovered
    return uncovered


def _cut(events: Sequence[Event], parts: int) -> list[Sequence[Event]]:
    """Events that follow each other, in so many parts."""
    size = -(-len(events) // parts)
    return [events[first : first + size] for first in range(0, len(events), size)]


def _by_event(books: Books, rule: str, currency: str, uncovered: int) -> Split:
    charges = books.table(
        "select account_id, sum(charge) as charge from event_charges where rule = ? and currency = ? "
        "group by account_id order by account_id",
        rule,
        currency,
    )
    return Split(charges.column("account_id"), to_amounts(charges.column("charge")), 0, uncovered)


# rows -----------------------------------------------------------------------------------------------------


def _charges(books: Books, number: int, rule: str, currency: str, found: Split) -> Part | None:
    """A part of rule_comparison: one rule's charges in a currency, each beside what the account has."""
    books.add("charges", pa.table({"account_id": found.accounts, "charge": to_decimals(found.charges)}))
    return books.part(RULE_COMPARISON, number, _CHARGES, rule, currency)


def _total(books: Books, rule: str, currency: str, shortfall: int, found: Split) -> dict[str, object]:
    ((beyond,),) = books.rows(_BEYOND, currency)
    return {
        "rule": rule,
        "currency": currency,
        "shortfall": shortfall,
        "charged": exact_sum(found.charges),
        "to_fund": found.to_fund,
        "uncovered": found.uncovered,
        "beyond_chargeable": beyond,
        "payers": len(found.charges),
    }


def _columns(rows: Sequence[Mapping[str, object]]) -> pa.Table:
    """Rows of rule_totals in ledger units."""
    columns = {}
    for column in RULE_TOTALS.columns[1:]:
        values = [row[column.name] for row in rows]
        if column.type is Type.DECIMAL:
            columns[column.name] = to_decimals(np.array(values, object))
        else:
            columns[column.name] = pa.array(values, pa.string() if column.type is Type.TEXT else pa.int64())
    return pa.table(columns)
