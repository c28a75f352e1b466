"""What the fills of a session say of each other: trades that do not net, and who was on the other side."""

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.jobs.attribute.books import Books, in_money
from lossledger.jobs.day import Day
from lossledger.jobs.replay.source import BucketTask
from lossledger.schemas.attribution import ADL_LOSSES, RECONCILIATION
from lossledger.schemas.ledger import ADL_LOSSES as ADL_FILLS
from lossledger.schemas.ledger import TYPED
from lossledger.store.delta import dataset
from lossledger.store.staging import Part
from lossledger.store.thresholds import NET_IN_TASKS_FROM_ROWS

_TIME = pa.timestamp("us", tz="UTC")
_SIDES = """
    select instrument_id, trade_id, count(*) as sides, sum(if(side = 'buy', quantity, -quantity)) as net
    from session_fills anti join earlier_trades using (instrument_id, trade_id) group by instrument_id, trade_id
"""
_BROKEN = """
    select 'trade_zero_sum' as rule, instrument_id || '|' || trade_id as key,
        'zero' as source_expected, 'ledger.fills' as source_actual,
        0::decimal(38,18) as expected, net as actual, net as "break", 0::decimal(38,18) as tolerance,
        true as independent
    from broken_trades
"""
_KEEP_BROKEN = f"""
    insert into broken_trades select instrument_id, trade_id, net from ({_SIDES}) where sides > 1 and net <> 0
"""
_KEEP_EARLIER = "insert into earlier_trades select distinct instrument_id, trade_id from earlier"
_COUNTS = f"""
    select count(*) filter (where sides = 1), count(*) filter (where sides > 1),
        count(*) filter (where sides > 1 and net <> 0)
    from ({_SIDES})
"""
_OTHERS = """
    create temp table others as
    select adl_fills.fill_id, if(count(*) = 1, any_value(sides.account_id), null) as against_account_id
    from adl_fills join sides on (sides.instrument_id, sides.trade_id) = (adl_fills.instrument_id, adl_fills.trade_id)
        and sides.fill_id <> adl_fills.fill_id
    group by adl_fills.fill_id
"""
_ADL = f"""
    select fill_id, trade_id, ts, account_id, currency, isolation, instrument_id,
        if(side > 0, 'buy', 'sell') as side, price, quantity, mark as mark_price, {in_money("amount")},
        against_account_id
    from adl_fills join currencies using (currency) left join others using (fill_id)
"""
# The first and the last id of each length. A venue counts its trades: as texts, 998 to 1003 are the ranges 1000 to 1003
# and 998 to 999, of which no earlier date has any; 1000 to 999 would be all of them.
_RANGES = "select min(trade_id), max(trade_id) from {trades} group by length(trade_id) order by 1"
MOST_RANGES = 16  # ids of all lengths: there is nothing to be gained
_ID = pc.field("trade_id")
_TRADE = ("instrument_id", "trade_id")  # what tells a trade: venues number theirs per contract


class TradeCounts(NamedTuple):
    """The session's trades with one side, with more, and those of the latter that do not net to zero."""

    one_sided: int
    many_sided: int
    broken: int


def count_trades(day: Day, books: Books, task: BucketTask) -> TradeCounts:
    """Net the trades whose earliest side is in the session, by the sides before its end.

    A fill's trade may be anywhere among them, and they stand by account: where they are many, tasks bring them
    together. Trades that do not net are left as table `broken_trades`; only where there are any, the fills are read
    again for them.
    """
    books.execute(
        "create temp table broken_trades (instrument_id varchar, trade_id varchar, net decimal(38,18))"
    )
    books.execute("create temp table earlier_trades (instrument_id varchar, trade_id varchar)")
    if books.size >= NET_IN_TASKS_FROM_ROWS:
        return _count_in_shares(day, books, task)
    if not day.first:
        books.add("session_fills", task.stream("fills", ("trade_id",)))
        if _add_fills(day, books, "session_fills", "earlier", _before(day), _TRADE):
            books.execute(_KEEP_EARLIER)
    _add_sides(books, task)
    counts = TradeCounts(*books.rows(_COUNTS)[0])
    if counts.broken:
        _add_sides(books, task)
        books.execute(_KEEP_BROKEN)
    return counts


def _count_in_shares(day: Day, books: Books, task: BucketTask) -> TradeCounts:
    """The same by tasks."""
    from lossledger.jobs.attribute.netting import Netting
    from lossledger.jobs.attribute.shares import fills_in

    netting, broken = Netting(day, task, lambda ranges: _before(day) & _in(ranges)), 0
    try:
        one_sided, many_sided, candidates = netting.counts()
        if candidates:
            for name, files in zip(("session_fills", "earlier"), netting.candidates(candidates), strict=True):
                books.add(name, fills_in(books.copies.of(files)))
            books.execute(_KEEP_EARLIER)
            books.execute(_KEEP_BROKEN)
            [(broken,)] = books.rows("select count(*) from broken_trades")
        return TradeCounts(one_sided, many_sided, broken)
    finally:
        netting.clean()


def _before(day: Day) -> Any:
    """Fills of sessions before."""
    return pc.field("ts") < pa.scalar(day.start, _TIME)


def _in(ranges: Sequence[tuple[str, str]]) -> Any:
    """Trades whose ids lie in ranges, one a length."""
    if len(ranges) > MOST_RANGES:
        ranges = [(min(first for first, _ in ranges), max(last for _, last in ranges))]
    return reduce(or_, [(first <= _ID) & (last >= _ID) for first, last in ranges])


def _add_sides(books: Books, task: BucketTask) -> None:
    """The session's fills, for one reading."""
    books.add("session_fills", task.stream("fills", (*_TRADE, "side", "quantity")))


def broken_trades(books: Books, number: int) -> Part | None:
    """A part of the reconciliation: trades that do not net."""
    return books.part(RECONCILIATION, number, _BROKEN)


def write_adl_losses(day: Day, books: Books) -> None:
    """Stage adl_losses, each with the account of the other side where there is just one."""
    if not day.staging.rows(ADL_FILLS):
        day.staging.commit(ADL_LOSSES, [])
        return
    before_end = pc.field("ts") < pa.scalar(day.end, _TIME)
    columns = [*_TRADE, "fill_id", "account_id"]
    if not _add_fills(day, books, "adl_fills", "sides", before_end, columns):
        books.add("sides", pa.table({name: pa.array([], pa.string()) for name in columns}))
    books.execute(_OTHERS)
    books.write(ADL_LOSSES, _ADL)


def _add_fills(day: Day, books: Books, trades: str, name: str, wanted: Any, columns: Sequence[str]) -> bool:
    """Fills of all dates that may belong to trades of a table, as a stream; False when it has no trades."""
    ranges = books.rows(_RANGES.format(trades=trades))
    if not ranges:
        return False
    wanted &= _in([(first, last) for first, last in ranges])
    fills = TYPED["fills"]
    found = dataset(fills, day.warehouse.delta(fills)).scanner(columns=list(columns), filter=wanted)
    books.add(name, found.to_reader())
    return True
