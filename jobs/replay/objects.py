"""The units of a task as the reference wants them: for small days and what is left to it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.events import Account, Fill, Funding, Market, TickSeries, Transfer, UnitKey
from engine.numbers import e18_to_units
from engine.rows import UnitPosition, UnitSession
from engine.rules.units import UnitInput
from engine.session import Carried, carry_over
from jobs.replay.directory import all_accounts
from jobs.replay.source import BucketTask
from schemas.ledger import MARKS, TYPED, UNIT_CHARGES, UNIT_POSITIONS, UNIT_SESSIONS
from store.arrow import to_objects, to_rows
from store.buckets import account_bucket

_TRANSFERS = ("transfer_id", "ts", "account_id", "currency", "isolation", "amount")
_FILLS = (
    *("fill_id", "trade_id", "ts", "account_id", "instrument_id", "isolated"),
    *("side", "price", "quantity", "fee", "kind"),
)


def read_units(task: BucketTask) -> tuple[list[UnitInput], Market]:
    """The units of a task, and the prices of all that they hold or trade."""
    units = units_of(task, task.reference.accounts or all_accounts(task))
    return units, session_market(task, instruments_of(units))


def instruments_of(units: Sequence[UnitInput]) -> list[str]:
    """What units hold or trade."""
    held = {i for unit in units for i, _, _ in unit.positions}
    return sorted(held | {fill.instrument_id for unit in units for fill in unit.fills})


def units_of(
    task: BucketTask, accounts: Mapping[str, Account], keys: Collection[UnitKey] | None = None
) -> list[UnitInput]:
    """The units of the task's buckets, or of these those with some keys, with their state and events.

    `accounts` has those of all these units.
    """
    wanted = None if keys is None else pa.array(sorted({key.account_id for key in keys}))
    of_accounts = None if wanted is None else pc.field("account_id").isin(wanted)
    units: dict[UnitKey, UnitInput] = {}
    carry_over(units, _carried(task, of_accounts), accounts)

    def unit(account_id: str, currency: str, isolation: str) -> UnitInput:
        key = UnitKey(account_id, currency, isolation)
        if key not in units:
            units[key] = UnitInput(key, accounts[account_id])
        return units[key]

    conditions = [pc.field("account_bucket").isin(task.buckets)]
    conditions += [] if of_accounts is None else [of_accounts]
    scales, contracts = task.reference.scales, task.reference.contracts
    for transfer_id, ts, account_id, currency, isolation, amount_e18 in to_rows(
        TYPED["transfers"], task.events("transfers", *conditions), _TRANSFERS
    ):
        transfer = Transfer(ts, transfer_id, e18_to_units(amount_e18, scales[currency]))
        unit(account_id, currency, isolation).transfers.append(transfer)
    for row in to_rows(TYPED["fills"], task.events("fills", *conditions), _FILLS):
        fill_id, trade_id, ts, account_id, instrument_id, isolated, side, price, quantity, fee_e18, kind = row
        contract = contracts[instrument_id]
        fee = e18_to_units(fee_e18, contract.scale)
        sign = 1 if side == "buy" else -1
        met = kind == "liquidation" and (trade_id, ts) in task.adl_trades
        fill = Fill(ts, fill_id, trade_id, instrument_id, sign, price, quantity, fee, kind, met)
        unit(account_id, contract.currency, instrument_id if isolated else "").fills.append(fill)
    found = [u for key, u in units.items() if keys is None or key in keys]
    _ask_for_snapshots(task, found, conditions)
    return found


def _carried(task: BucketTask, of_accounts: Any) -> Carried:
    """The state in which the date before left accounts of the task."""
    mine = set(task.buckets)
    before = Carried()
    for unit in to_objects(UNIT_SESSIONS, task.state("unit_sessions", of_accounts), UnitSession):
        if account_bucket(unit.account_id) in mine:
            before.units.append(unit)
    for position in to_objects(UNIT_POSITIONS, task.state("unit_positions", of_accounts), UnitPosition):
        if account_bucket(position.account_id) in mine:
            before.positions.append(position)
    charges = to_rows(UNIT_CHARGES, task.state("unit_charges", of_accounts))
    for _, account_id, currency, isolation, amount, booked_at in charges:
        if account_bucket(account_id) in mine:
            before.charged_at = booked_at
            before.charges[UnitKey(account_id, currency, isolation)] = amount
    return before


def _ask_for_snapshots(task: BucketTask, units: Sequence[UnitInput], conditions: Sequence[Any]) -> None:
    asked: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    if task.wallets_at:
        name = "venue_account_balances"
        rows = to_rows(TYPED[name], task.events(name, *conditions), ("account_id", "currency", "ts"))
        for account_id, currency, ts in rows:
            asked[account_id, currency].add(ts)
    for unit in units:
        unit.snapshots = sorted({*task.instants, *asked[unit.key.account_id, unit.key.currency]})


def session_market(task: BucketTask, instruments: Sequence[str]) -> Market:
    """Marks, ticks and funding of some instruments in the session."""
    market = task.reference.market()
    market.opening_marks = {i: mark for _, i, mark in to_rows(MARKS, task.state("marks"))}
    wanted = pc.field("instrument_id").isin(pa.array(instruments, pa.string()))
    fields = ("ts", "instrument_id", "mark_price", "bid", "ask")
    for ts, instrument_id, mark, bid, ask in sorted(
        to_rows(TYPED["ticks"], task.events("ticks", wanted), fields), key=lambda row: row[:2]
    ):
        series = market.ticks.setdefault(instrument_id, TickSeries())
        series.ts.append(ts)
        series.mark.append(mark)
        series.bid.append(bid)
        series.ask.append(ask)
    of_funding = ("ts", "instrument_id", "rate", "price")
    for ts, instrument_id, rate, price in sorted(
        to_rows(TYPED["funding"], task.events("funding", wanted), of_funding)
    ):
        market.funding.setdefault(instrument_id, []).append(Funding(ts, rate, price))
    return market
