"""The tables rule_comparison and rule_totals of a session, out of core (rules.md section 14).

Three rules share by a basis, an array over accounts. The other two look at all units at the time of each event:
their files come from the tasks (jobs.attribute.instants) and are folded event by event.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from engine.errors import InvariantError
from engine.numbers import E18, round_half_even_div
from engine.rows import NegativeBalance, Snapshot
from engine.rules.comparison import BY_EVENT, RULES, SharedLoss, Shortfall
from jobs.attribute.books import Books
from jobs.attribute.inputs import Inputs
from jobs.attribute.instants import PART_ROWS, EventInstrument, InstantsTask, reduce_states
from jobs.attribute.remainder import charge, split
from jobs.attribute.sharing import read_basis
from jobs.replay.recompute import bucket_tasks
from schemas.attribution import RULE_COMPARISON, RULE_TOTALS
from schemas.core import Type
from schemas.ledger import EVENT_CANDIDATES, EVENT_WEIGHTS
from schemas.ledger import NEGATIVE_BALANCES as DEFICITS
from store.amounts import Amounts, exact_sum, to_amounts, to_decimals
from store.arrow import plain_rows
from store.duck import quoted
from store.staging import Part

_TABLE_OF = {"open_interest_prorata": EVENT_WEIGHTS, "adl_queue": EVENT_CANDIDATES}
_SHORTFALLS = f"""
    select {", ".join(NegativeBalance._fields)}, deficit - draw as shortfall
    from deficits join draws using (event_id) where protected and deficit > draw
    order by currency, ts, account_id, isolation
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
_WEIGHTS = """
    select event, number, weight from event_weights left join numbered using (account_id)
    where event between ? and ? and weight > 0 order by event, number, isolation
"""


class Event(NamedTuple):
    """A covered deficit and what the fund could not pay of it; `number` counts over all currencies."""

    number: int
    deficit: NegativeBalance
    shortfall: int


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
    if events and by_event:
        _reduce(books, inputs, events, [_TABLE_OF[rule].name for rule in by_event])
    by_currency: defaultdict[str, list[Event]] = defaultdict(list)
    for event in events:
        by_currency[event.deficit.currency].append(event)
    parts: list[Part | None] = []
    totals: list[dict[str, object]] = []
    for currency, own in sorted(by_currency.items()):
        total = sum(event.shortfall for event in own)
        for rule in rules:
            if rule == "open_interest_prorata":
                found = _by_open_interest(books, currency, own)
            elif rule == "adl_queue":
                found = _by_queue(books, own)
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


def _events(books: Books) -> list[Event]:
    if not books.staging.rows(DEFICITS):
        return []
    return [Event(n, NegativeBalance(*row[:-1]), row[-1]) for n, row in enumerate(books.rows(_SHORTFALLS))]


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


def _reduce(books: Books, inputs: Inputs, events: Sequence[Event], wanted: Sequence[str]) -> None:
    """Have the tasks write what the rules need of all units at the instants of the events."""
    liquidated = [
        EventInstrument(event.number, event.deficit.ts, event.deficit.account_id, instrument_id, int(net))
        for event in events
        for instrument_id, (net, _) in sorted(json.loads(event.deficit.liquidated).items())
    ]
    written: list[Mapping[str, list[Part]]] = []
    if liquidated:
        day = inputs.day
        tasks = [
            InstantsTask(task, liquidated, wanted, day.staging, books.scales, books.size)
            for task in bucket_tasks(day, inputs.reference, inputs.folders)
        ]
        written = day.mapper.map(reduce_states, tasks, books.size)
    for table in (EVENT_WEIGHTS, EVENT_CANDIDATES):
        if table.name in wanted:
            books.staging.commit(table, [part for parts in written for part in parts[table.name]])
            books.view(table)


def _by_open_interest(books: Books, currency: str, events: Sequence[Event]) -> Split:
    """Everybody who holds the liquidated instruments, on either side, in proportion to value."""
    books.execute("drop table if exists numbered")
    books.execute(
        "create temp table numbered as select account_id, row_number() over (order by account_id) - 1 as number "
        f"from account_results where currency = '{quoted(currency)}'"
    )
    accounts = books.table("select account_id from numbered order by number").column("account_id")
    total = sum(event.shortfall for event in events)
    charges = np.zeros(len(accounts), np.int64 if total < 1 << 62 else object)
    left = {event.number: event.shortfall for event in events}
    for first, last in _ranges(books, "event_weights", events):
        weights = books.stream(_WEIGHTS, first, last)  # numbers are in the order of accounts
        for number, holders in _by_number(weights):
            holder = holders.column("number")
            if holder.null_count:
                raise InvariantError(f"a unit of {currency} holds a position and has no session")
            shares = split(left.pop(number), to_amounts(holders.column("weight")))
            np.add.at(charges, holder.to_numpy(), shares.astype(charges.dtype))
    return _payers(accounts, charges, 0, sum(left.values()))


def _ranges(books: Books, table: str, events: Sequence[Event]) -> Iterator[tuple[int, int]]:
    """First and last of events that follow each other, of which a table has no more rows than are sorted in memory."""
    counts = books.rows(
        f"select event, count(*) from {table} where event between ? and ? group by event order by event",
        events[0].number,
        events[-1].number,
    )
    first, last, rows = 0, 0, 0
    for event, count in counts:
        if rows and rows + count > PART_ROWS:
            yield first, last
            rows = 0
        first, last, rows = event if not rows else first, event, rows + count
    if rows:
        yield first, last


def _by_number(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, pa.Table]]:
    """The rows of each event, which come one after the other."""
    held: list[pa.Table] = []
    current = -1
    for batch in batches:
        data = pa.Table.from_batches([batch])
        numbers = data.column("event").to_numpy()
        cuts = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
        for start, end in pairwise(cuts):
            if end == start:
                continue
            if held and numbers[start] != current:
                yield current, pa.concat_tables(held)
                held = []
            current = int(numbers[start])
            held.append(data.slice(start, end - start))
    if held:
        yield current, pa.concat_tables(held)


def _by_queue(books: Books, events: Sequence[Event]) -> Split:
    """The rule itself, on the few candidates of each event that it can reach."""
    by_number = {event.number: event for event in events}
    charges: defaultdict[str, int] = defaultdict(int)
    uncovered = 0
    columns = ", ".join(name.removesuffix("_e18") for name in Snapshot._fields)
    query = f"select event, {columns} from event_candidates where event between ? and ? order by event"
    states: dict[int, list[Snapshot]] = {}
    for first, last in _ranges(books, "event_candidates", events):
        for number, rows in _by_number(books.stream(query, first, last)):
            states[number] = [Snapshot(*row[1:]) for row in plain_rows(rows)]
    for number, event in by_number.items():
        shortfall = Shortfall(event.deficit, event.shortfall, states.get(number, []))
        found = RULES["adl_queue"](SharedLoss([shortfall], {}, 0))
        uncovered += found.uncovered
        for account_id, amount in found.charges.items():
            charges[account_id] += amount
    payers = sorted(account_id for account_id, amount in charges.items() if amount > 0)
    amounts = np.array([charges[account_id] for account_id in payers], object)
    return Split(pa.array(payers, pa.string()), amounts, 0, uncovered)


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
