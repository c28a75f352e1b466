"""Lots after the replay: where they came from, and what their results are to the fund (rules.md section 15).

The replay closes lots in the tasks of their liquidators. The unit and episode that a lot was taken from may be in
another task, so they are looked up here, before the fund is folded: a gain is a movement, a
loss an event of cause takeover.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import NEVER, iso
from lossledger.engine.events import UnitKey
from lossledger.engine.ids import stable_id
from lossledger.engine.rows import FundMovement
from lossledger.engine.rules.episode import Episode, liquidated_text
from lossledger.engine.rules.lot_results import CAUSE, CLASS_OF_SIMULATED
from lossledger.jobs.attribute.books import Books, in_money
from lossledger.jobs.attribute.id_order import order_key_sql
from lossledger.jobs.attribute.inputs import Inputs
from lossledger.schemas.attribution import TAKEOVER_INVENTORY, TAKEOVERS
from lossledger.schemas.core import Table
from lossledger.schemas.ledger import EPISODES, LOT_CLOSINGS, MARKS, OPEN_LOTS, UNIT_LOTS, UNIT_SESSIONS
from lossledger.schemas.ledger import FUND_MOVEMENTS as MOVEMENTS
from lossledger.schemas.ledger import NEGATIVE_BALANCES as DEFICITS
from lossledger.store.account_table import AccountTable
from lossledger.store.amount_arrays import to_amounts, to_decimals
from lossledger.store.arrow import plain_rows, to_arrow
from lossledger.store.staging import part_schema

_EXTRA = 1 << 20  # the number of a part beside those of the replay's tasks
_OPENED = f"""
    create temp table opened as
    select distinct lot_id, opened_at from (
        select lot_id, opened_at, execution, from_account_id from {UNIT_LOTS.name} union all
        select lot_id, opened_at, lot_execution, from_account_id from {LOT_CLOSINGS.name}
    ) where execution = 'recorded' and from_account_id is null
"""
# Of several liquidation fills with a lot's trade and time that with the smallest fill_id.
_ORIGINS = f"""
    create temp table origins as
    with came_from as (
        select lot_id, opened_at, theirs.account_id, instrument_id, if(isolated, instrument_id, '') as isolation,
            row_number() over (partition by lot_id order by {order_key_sql("theirs.fill_id")}) as place
        from opened join taking on taking.fill_id = lot_id
        join liquidated as theirs using (instrument_id, trade_id, ts)
    )
    select lot_id, opened_at, account_id, settlement.currency, isolation from came_from
    join settlement using (instrument_id) where place = 1
"""
_EPISODES = f"""
    create temp table episodes_of as
    select origins.lot_id, origins.account_id, origins.isolation, any_value(e.episode_id) as episode_id
    from origins left join (
        select account_id, currency, isolation, triggered_at, ended_at, episode_id from {EPISODES.name} union all
        select * from still_open
    ) as e on e.account_id = origins.account_id and e.currency = origins.currency
        and e.isolation = origins.isolation and origins.opened_at between e.triggered_at and e.ended_at
    group by all
"""
_NAMED = """
    create temp view named_{table} as select given.* replace (
        coalesce(given.episode_id, o.episode_id) as episode_id,
        coalesce(given.from_account_id, o.account_id) as from_account_id,
        coalesce(given.from_isolation, o.isolation) as from_isolation
    ) from {table} as given left join episodes_of as o on o.lot_id = given.lot_id and given.{execution} = 'recorded'
"""
_LOT_ORDER = f"""opened_at, if(lot_execution = 'recorded', {order_key_sql("lot_id")}, ''),
    if(lot_execution = 'recorded', '', from_account_id), if(lot_execution = 'recorded', '', from_isolation)"""
_PLACED = f"""
    create temp table closings as select *, row_number() over (
        order by closed_at, account_id, isolation, instrument_id,
            {order_key_sql("coalesce(close_fill_id, '')")}, {_LOT_ORDER}
    ) as place from named_{LOT_CLOSINGS.name}
"""
_GAINS = """
    select closed_at as ts, 'takeover_gain' as kind, account_id, currency, isolation, instrument_id,
        coalesce(close_fill_id, '') as fill_id, result as amount, lot_id as ref, place
    from closings where result > 0
"""
_LOSSES = f"""
    select place, closings.account_id, currency, isolation, closed_at, lot_id, coalesce(close_fill_id, '') as fill_id,
        if(lot_execution = 'recorded', classes.client_class, '{CLASS_OF_SIMULATED}') as client_class, episode_id,
        from_account_id, instrument_id, quantity, close_value, result
    from closings asof left join classes
        on closings.account_id = classes.account_id and closings.closed_at >= classes.valid_from
    where result < 0 order by place
"""
_FROM = "lot_id, episode_id, from_account_id, from_isolation, account_id, isolation, currency, instrument_id"
_TAKEOVERS = f"""
    select {_FROM}, quantity, opened_at, closed_at, close_fill_id, closed_by,
        {in_money("open_value", "close_value", "fees", "result", "at_takeover", "market_move", "execution")},
        event_id
    from closings join currencies using (currency) left join loss_ids using (place)
"""
_INVENTORY = f"""
    select {_FROM}, quantity, opened_at, {in_money("open_value", "open_fee")}, mark as mark_price,
        result * unit as unrealised_result
    from named_{UNIT_LOTS.name} join currencies using (currency) left join marks using (instrument_id)
    left join unrealised using (lot_id)
"""


def book_takeovers(books: Books, inputs: Inputs) -> None:
    """Stage what was taken over, and its results among the movements and deficits of the date."""
    tables = (UNIT_LOTS, LOT_CLOSINGS, EPISODES, UNIT_SESSIONS, MARKS)
    if not books.staging.rows(UNIT_LOTS) and not books.staging.rows(LOT_CLOSINGS):
        for table in (TAKEOVERS, TAKEOVER_INVENTORY, OPEN_LOTS):
            books.staging.write(table, to_arrow(table, []))
        return
    with Books(books.staging, books.scales, books.size) as lots:
        for table in tables:
            lots.view(table)
        _name_origins(lots, inputs)
        lots.execute(_PLACED)
        losses = lots.table(_LOSSES)
        ids = _event_ids(losses)
        lots.add("loss_ids", pa.table({"place": losses.column("place"), "event_id": ids}))
        _add_part(lots, MOVEMENTS, lots.table(_GAINS).select(list(FundMovement._fields)))
        _add_part(lots, DEFICITS, _deficits(losses, ids))
        lots.write(TAKEOVERS, _TAKEOVERS)
        lots.write(OPEN_LOTS, f"select * from named_{UNIT_LOTS.name}")
        lots.add("unrealised", _unrealised(lots, inputs))
        lots.write(TAKEOVER_INVENTORY, _INVENTORY)


def _name_origins(lots: Books, inputs: Inputs) -> None:
    """Views of lots and closings with the units and episodes that they were taken from."""
    reference, task = inputs.reference, inputs.task
    accounts = cast(AccountTable, reference.accounts)
    liquidators, houses = (sorted(accounts.of_type(t)) for t in ("liquidator", "house"))
    mine, others = (
        pc.field("account_id").isin(pa.array(names, pa.string()))
        for names in (liquidators, [*liquidators, *houses])
    )
    trade = ("fill_id", "trade_id", "instrument_id", "ts")
    lots.execute(_OPENED)
    lots.add("taking", task.stream("fills", trade, mine))
    client = (pc.field("kind") == "liquidation") & ~others
    lots.add("liquidated", task.stream("fills", (*trade, "account_id", "isolated"), client))
    contracts = reference.contracts
    settlement = {"instrument_id": list(contracts), "currency": [c.currency for c in contracts.values()]}
    lots.add("settlement", pa.table(settlement))
    rows = accounts.rows
    theirs = rows.filter(pc.is_in(rows.column("account_id"), pa.array(liquidators, pa.string())))
    lots.add("classes", theirs.select(["account_id", "valid_from", "client_class"]))
    lots.execute(_ORIGINS)
    lots.add("still_open", _open_episodes(lots))
    lots.execute(_EPISODES)
    for table, execution in ((UNIT_LOTS, "execution"), (LOT_CLOSINGS, "lot_execution")):
        lots.execute(_NAMED.format(table=table.name, execution=execution))


def _open_episodes(lots: Books) -> pa.Table:
    """Liquidations that are open at the end, of units that something was taken over from."""
    found = lots.rows(
        "select account_id, currency, isolation, open_episode from unit_sessions "
        "semi join origins using (account_id, currency, isolation) where open_episode is not null"
    )
    keys = [UnitKey(*row[:3]) for row in found]
    episodes = [Episode.from_json(row[3]) for row in found]
    columns = {
        **{name: pa.array([key[n] for key in keys], pa.string()) for n, name in enumerate(UnitKey._fields)},
        "triggered_at": _times([episode.triggered_at for episode in episodes]),
        "ended_at": _times([NEVER >> 10] * len(episodes)),
        "episode_id": pa.array(
            [e.episode_id(key) for e, key in zip(episodes, keys, strict=True)], pa.string()
        ),
    }
    return pa.table(columns)


def _times(times: Sequence[int]) -> pa.Array:
    return pa.array(times, pa.timestamp("us", tz="UTC"))


def _event_ids(losses: pa.Table) -> pa.Array:
    """As `engine.rules.lot_results.loss_event_id` has them."""
    names = ("account_id", "currency", "isolation", "closed_at", "lot_id", "fill_id")
    rows = plain_rows(losses.select(list(names)))
    return pa.array([stable_id("nb", *row[:3], iso(row[3]), *row[4:]) for row in rows], pa.string())


def _deficits(losses: pa.Table, ids: pa.Array) -> pa.Table:
    count = losses.num_rows
    closed = plain_rows(losses.select(["instrument_id", "quantity", "close_value"]))
    results = to_amounts(losses.column("result"))
    return pa.table(
        {
            "event_id": ids,
            "ts": losses.column("closed_at"),
            **{name: losses.column(name) for name in (*UnitKey._fields, "client_class")},
            "cause": pa.repeat(CAUSE, count),
            "episode_id": losses.column("episode_id"),
            "protected": pa.repeat(True, count),
            "session_transfers": to_decimals(np.zeros(count, np.int64)),
            "deficit": to_decimals(-results),
            "liquidated": pa.array([liquidated_text([(i, -q, v)]) for i, q, v in closed], pa.string()),
            "from_account_id": losses.column("from_account_id"),
            "place": losses.column("place"),
        }
    )


def _add_part(lots: Books, table: Table, rows: pa.Table) -> None:
    """Rows beside those that the replay staged."""
    schema = part_schema(table)
    part = lots.staging.write_part(table, _EXTRA, rows.select(schema.names).cast(schema))
    lots.staging.commit(table, [*lots.staging.parts(table), part])


def _unrealised(lots: Books, inputs: Inputs) -> pa.Table:
    """s·d·(V(q, mark) − open value) of the open lots that have a mark, in ledger units."""
    ids: list[str] = []
    amounts: list[int] = []
    columns = "lot_id, instrument_id, quantity, open_value, mark"
    query = f"select {columns} from {UNIT_LOTS.name} join marks using (instrument_id)"
    for batch in lots.stream(query):
        for lot_id, instrument_id, quantity_e18, open_value, mark_e18 in plain_rows(
            pa.Table.from_batches([batch])
        ):
            contract = inputs.reference.contracts[instrument_id]
            value = contract.value_units(abs(quantity_e18), mark_e18)
            ids.append(lot_id)
            amounts.append(contract.pnl_units(1 if quantity_e18 > 0 else -1, value, open_value))
    return pa.table({"lot_id": pa.array(ids, pa.string()), "result": to_decimals(np.array(amounts, object))})
