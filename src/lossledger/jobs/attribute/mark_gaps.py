"""Gaps in the marks of instruments that clients held (inputs.md, max_mark_gap_us).

Ticks are looked at once, in windows as long as the limit: two successive ticks that are further apart are the last of
one window and the first of a later one. What the instruments with a gap were held by is found from the state before
and from their fills alone.
"""

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import NEVER, day_of
from lossledger.engine.events import UnitKey
from lossledger.engine.rules.episode import Episode
from lossledger.expectations.findings import MARK_GAP
from lossledger.jobs.attribute.books import Books
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.jobs.day import Day
from lossledger.schemas.ledger import EPISODES, MARKS, TYPED, UNIT_POSITIONS
from lossledger.store.delta import dataset
from lossledger.store.reference_data import text_hash

_TIME = pa.timestamp("us", tz="UTC")
_BEFORE = pa.schema([("instrument_id", pa.string()), ("last", pa.int64())])
_GAPS = """
    create temp table gaps as
    with windows as (
        select instrument_id, min(ts) as first, max(ts) as last
        from (select instrument_id, epoch_us(ts) as ts from gap_ticks) group by instrument_id, ts // {window}
    ), stretches as (
        select * from windows union all select instrument_id, last, last from ticks_before
    )
    select * from (
        select instrument_id, last as since,
            lead(first, 1, {end}) over (partition by instrument_id order by first) as until
        from stretches
    ) where until - since > {limit}
"""
# DuckDB cannot hand the filter of a join to a stream of Arrow's: clients are told apart in the next step.
_INSTANTS = """
    create temp table instants as
    select account_id, isolation, instrument_id, ts, sum(quantity) as quantity, 0 as closed from (
        select account_id, isolation, instrument_id, {start} as ts, quantity from carried_positions
        where instrument_id in (select instrument_id from gaps)
        union all
        select account_id, if(isolated, instrument_id, ''), instrument_id, epoch_us(ts),
            if(side = 'buy', quantity, -quantity)
        from gap_fills where not ({ignored})
    ) group by all
"""
# A simulated liquidation leaves a unit without positions: what it trades later adds up from zero.
_CLOSED = """
    create temp table closings as
    select account_id, isolation, instrument_id, epoch_us(ended_at) as ts,
        row_number() over (partition by account_id, isolation, instrument_id order by ended_at) as closed
    from episodes join episode_positions using (episode_id)
    where execution = 'simulated' and instrument_id in (select instrument_id from gaps);
    create or replace temp table instants as
    select instants.* exclude closed, count(closings.ts) as closed
    from instants left join closings on closings.account_id = instants.account_id
        and closings.isolation = instants.isolation and closings.instrument_id = instants.instrument_id
        and closings.ts < instants.ts
    group by all
    union all select account_id, isolation, instrument_id, ts, 0, closed from closings
"""
_HELD = """
    create temp table held_gaps as
    with holdings as (
        select instrument_id, ts as since, lead(ts, 1, {end}) over unit as until,
            sum(quantity) over (unit_part rows unbounded preceding) as quantity
        from instants
        where account_id in (select account_id from holders where account_type = 'client')
        window unit as (partition by account_id, isolation, instrument_id order by ts, closed),
            unit_part as (partition by account_id, isolation, instrument_id, closed order by ts)
    )
    select * from gaps where exists (
        from holdings where holdings.instrument_id = gaps.instrument_id and quantity <> 0
            and holdings.since < gaps.until and holdings.until > greatest(gaps.since, {start})
    )
"""
_STARTED = """
    create temp table started as
    select episode_id, instrument_id, epoch_us(triggered_at) as ts
    from episodes join episode_positions using (episode_id)
    union select episode_id, instrument_id, ts from still_open
"""
_FINDINGS = """
    with told as (
        select held_gaps.*, (until - since) // 1000000 as seconds, count(episode_id) as episodes,
            coalesce(
                min({{'ts': started.ts, 'id': episode_id}}, {shown}) filter (episode_id is not null), []
            ) as first
        from held_gaps left join started on started.instrument_id = held_gaps.instrument_id
            and started.ts > held_gaps.since
        group by all
    ), named as (
        select *, strftime(make_timestamp(since), '%Y-%m-%dT%H:%M:%S.%fZ') as since_text,
            strftime(make_timestamp(until), '%Y-%m-%dT%H:%M:%S.%fZ') as until_text,
            list_transform(first, lambda episode: episode.id) as first_episodes
        from told
    )
    select 'ledger.ticks' as table_name, '{kind} ' || instrument_id || ' ' || since_text as expectation,
        1 as unexpected_count,
        to_json([{{
            'text': 'no mark of ' || instrument_id || ' for ' || seconds || ' s while clients held it, from ' ||
                since_text || ' to ' || until_text || if(episodes = 0, '; no liquidation in it starts later',
                '; ' || episodes || if(episodes = 1, ' liquidation in it starts', ' liquidations in it start') ||
                ' later: ' || array_to_string(first_episodes, ', ') || if(episodes > {shown}, ', …', '')),
            'instrument_id': instrument_id, 'since': since_text, 'until': until_text, 'seconds': seconds,
            'episodes': episodes, 'first_episodes': first_episodes
        }}])::varchar as examples,
        '{suite}' as suite_sha256
    from named
"""
_SHOWN = 5  # liquidations that a finding names


def find_mark_gaps(books: Books, inputs: Inputs) -> pa.Table | None:
    """A row of FINDINGS for each gap that is longer than the policy just before the session's end allows.

    Only the part of a gap that lies in the session is asked about holdings. None: there is no such gap.
    """
    day = inputs.day
    limit = day.policy.at(day.end - 1).max_mark_gap_us
    limits = {"limit": limit, "window": max(1, limit), "start": day.start, "end": day.end}
    books.add("gap_ticks", inputs.task.stream("ticks", ("instrument_id", "ts")))
    _keep(books, "ticks_before", _ticks_before(day, limit))
    books.execute(_GAPS.format(**limits))
    instruments = [name for (name,) in books.rows("select distinct instrument_id from gaps order by 1")]
    if not instruments:
        return None
    _add_holdings(books, inputs, instruments)
    books.execute(_HELD.format(**limits))
    _date_unknown(books, day, limit)
    _add_started(books, day)
    suite = text_hash(MARK_GAP, str(limit))
    return books.table(_FINDINGS.format(kind=MARK_GAP, shown=_SHOWN, suite=suite))


def _keep(books: Books, name: str, data: pa.Table) -> None:
    """A small table of the database's own, which takes the filter of any join."""
    books.add(f"given_{name}", data)
    books.execute(f"create temp table {name} as from given_{name}")


def _ticks_before(day: Day, limit: int) -> pa.Table:
    """Of every instrument that had a mark before the session: its last tick, or a time before the limit is out.

    Where the last tick lies further back than the limit, when it was is looked up for the few that were held.
    """
    if day.first:
        return _BEFORE.empty_table()
    earliest = day.start - limit
    wanted = pc.field("ts") < pa.scalar(day.start, _TIME)
    wanted &= pc.field("ts") >= pa.scalar(max(0, earliest), _TIME)
    wanted &= pc.field("event_date") >= pa.scalar(day_of(max(0, earliest)))
    wanted &= pc.field("event_date") <= pa.scalar(day_of(day.start))
    found = dataset(TYPED["ticks"], day.warehouse.delta(TYPED["ticks"])).scanner(
        columns=["instrument_id", "ts"], filter=wanted
    )
    last = dict.fromkeys(day.before(MARKS).column("instrument_id").to_pylist(), earliest - 1)
    return _times(last | _last_ticks(found.to_table()))


def _add_holdings(books: Books, inputs: Inputs, instruments: list[str]) -> None:
    """Table `instants`: what clients' units held of these instruments at the start, and how that changed."""
    day = inputs.day
    of_gaps = pc.field("instrument_id").isin(pa.array(instruments, pa.string()))
    columns = ("account_id", "instrument_id", "isolated", "ts", "side", "quantity", "kind")
    books.add("gap_fills", inputs.task.stream("fills", columns, of_gaps))
    books.files("carried_positions", UNIT_POSITIONS, day.files_before(UNIT_POSITIONS))
    ignored = _ignored(day)
    books.execute(_INSTANTS.format(start=day.start, ignored=" or ".join(ignored) or "false"))
    if ignored and day.staging.rows(EPISODES):
        books.execute(_CLOSED)


def _ignored(day: Day) -> list[str]:
    """Conditions for the venue's own executions while the policy simulates them."""
    items = day.policy.items()
    untils = [since for since, _ in items[1:]] + [NEVER]
    return [
        f"(kind in ('liquidation', 'adl') and epoch_us(ts) >= {since} and epoch_us(ts) < {until})"
        for (since, terms), until in zip(items, untils, strict=True)
        if terms.execution == "simulated" and since < day.end and until > day.start
    ]


def _date_unknown(books: Books, day: Day, limit: int) -> None:
    """Say when the gaps began that began longer ago than the limit: folder by folder back, until all are found."""
    if day.first:
        return
    far = day.start - limit - 1
    unknown = {name for (name,) in books.rows(f"select instrument_id from held_gaps where since = {far}")}
    found: dict[str, int] = {}
    for folder in reversed([d for d in day.warehouse.days(TYPED["ticks"]) if d <= day_of(day.start)]):
        if not unknown:
            break
        wanted = pc.field("instrument_id").isin(pa.array(sorted(unknown), pa.string()))
        wanted &= pc.field("ts") < pa.scalar(day.start, _TIME)
        ticks = dataset(
            TYPED["ticks"], day.warehouse.delta(TYPED["ticks"]), [("event_date", "in", [folder.isoformat()])]
        )
        found |= _last_ticks(ticks.to_table(columns=["instrument_id", "ts"], filter=wanted))
        unknown -= found.keys()
    _keep(books, "found", _times(found))
    books.execute(
        f"update held_gaps set since = last from found where since = {far} and "
        "held_gaps.instrument_id = found.instrument_id"
    )


def _last_ticks(ticks: pa.Table) -> dict[str, int]:
    """The last tick of each instrument."""
    last = pa.TableGroupBy(ticks, "instrument_id").aggregate([("ts", "max")])
    times = last.column("ts_max").cast(pa.int64()).to_pylist()
    return dict(zip(last.column("instrument_id").to_pylist(), times, strict=True))


def _times(last: dict[str, int]) -> pa.Table:
    return pa.Table.from_pydict({"instrument_id": list(last), "last": list(last.values())}, _BEFORE)


def _add_started(books: Books, day: Day) -> None:
    """Table `started`: liquidations of the session, those that go on after it too, and what they hold."""
    rows = books.rows(
        "select account_id, currency, isolation, open_episode from unit_sessions where open_episode is not null"
    )
    opened = [
        (episode.episode_id(UnitKey(*key)), name, episode.triggered_at)
        for *key, text in rows
        for episode in (Episode.from_json(text),)
        for name in sorted(episode.held)
    ]
    columns = list(zip(*opened, strict=True)) or [(), (), ()]
    types = (pa.string(), pa.string(), pa.int64())
    arrays = [pa.array(values, kind) for values, kind in zip(columns, types, strict=True)]
    _keep(books, "still_open", pa.Table.from_arrays(arrays, names=["episode_id", "instrument_id", "ts"]))
    books.execute(_STARTED)
