"""Units and market of a session in the types of the reference engine."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.events import Account, Fill, Funding, Market, TickSeries, Trade, Transfer, UnitKey
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rows import OpenLot, UnitPosition, UnitSession
from lossledger.engine.rules.lots import is_recorded
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.session import Carried, carry_over
from lossledger.schemas.ledger import MARKS, OPEN_LOTS, TYPED, UNIT_CHARGES, UNIT_POSITIONS, UNIT_SESSIONS
from lossledger.store.arrow import plain_rows, to_objects, to_rows
from lossledger.store.buckets import account_bucket
from lossledger.store.session_inputs import SessionInputs

_TRANSFERS = ("transfer_id", "ts", "account_id", "currency", "isolation", "amount")
_TRADE = ("instrument_id", "trade_id", "ts")
_FILLS = (
    *("fill_id", "trade_id", "ts", "account_id", "instrument_id", "isolated"),
    *("side", "price", "quantity", "fee", "kind"),
)


def instruments_of(units: Sequence[UnitInput]) -> list[str]:
    """The instruments that units hold or trade."""
    held = {i for unit in units for i, _, _ in unit.positions}
    return sorted(held | {fill.instrument_id for unit in units for fill in unit.fills})


def units_of(
    inputs: SessionInputs, accounts: Mapping[str, Account], only: Collection[str] | None = None
) -> list[UnitInput]:
    """The units of the inputs' buckets, or those of some accounts there, with their state and events.

    `accounts` has those of all these units.
    """
    wanted = None if only is None else pa.array(sorted(only), pa.string())
    of_accounts = None if wanted is None else pc.field("account_id").isin(wanted)
    units: dict[UnitKey, UnitInput] = {}
    carry_over(units, _carried(inputs, of_accounts), accounts)

    def unit(account_id: str, currency: str, isolation: str) -> UnitInput:
        key = UnitKey(account_id, currency, isolation)
        if key not in units:
            units[key] = UnitInput(key, accounts[account_id])
        return units[key]

    conditions = [pc.field("account_bucket").isin(inputs.buckets)]
    conditions += [] if of_accounts is None else [of_accounts]
    scales, contracts = inputs.reference.scales, inputs.reference.contracts
    for transfer_id, ts, account_id, currency, isolation, amount_e18 in to_rows(
        TYPED["transfers"], inputs.events("transfers", *conditions), _TRANSFERS
    ):
        transfer = Transfer(ts, transfer_id, e18_to_units(amount_e18, scales[currency]))
        unit(account_id, currency, isolation).transfers.append(transfer)
    for row in to_rows(TYPED["fills"], inputs.events("fills", *conditions), _FILLS):
        fill_id, trade_id, ts, account_id, instrument_id, isolated, side, price, quantity, fee_e18, kind = row
        contract = contracts[instrument_id]
        fee = e18_to_units(fee_e18, contract.scale)
        sign = 1 if side == "buy" else -1
        at, taking = (Trade(instrument_id, trade_id), ts), accounts[account_id].is_liquidator
        by_adl = (kind == "liquidation" or taking) and at in inputs.adl_trades
        taken = kind == "liquidation" and not taking and at in inputs.taken_trades
        fill = Fill(ts, fill_id, trade_id, instrument_id, sign, price, quantity, fee, kind, by_adl, taken)
        unit(account_id, contract.currency, instrument_id if isolated else "").fills.append(fill)
    _ask_for_snapshots(inputs, list(units.values()), conditions)
    return list(units.values())


def _carried(inputs: SessionInputs, of_accounts: Any) -> Carried:
    """The state in which the date before left accounts of these buckets."""
    mine = set(inputs.buckets)
    before = Carried()
    for unit in to_objects(UNIT_SESSIONS, inputs.state("unit_sessions", of_accounts), UnitSession):
        if account_bucket(unit.account_id) in mine:
            before.units.append(unit)
    for position in to_objects(UNIT_POSITIONS, inputs.state("unit_positions", of_accounts), UnitPosition):
        if account_bucket(position.account_id) in mine:
            before.positions.append(position)
    for lot in to_objects(OPEN_LOTS, inputs.state("open_lots", of_accounts), OpenLot):
        if is_recorded(lot) and account_bucket(lot.account_id) in mine:
            before.lots.append(lot)
    charges = to_rows(UNIT_CHARGES, inputs.state("unit_charges", of_accounts))
    for _, account_id, currency, isolation, amount, booked_at in charges:
        if account_bucket(account_id) in mine:
            before.charged_at = booked_at
            before.charges[UnitKey(account_id, currency, isolation)] = amount
    return before


def _ask_for_snapshots(inputs: SessionInputs, units: Sequence[UnitInput], conditions: Sequence[Any]) -> None:
    asked: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    if inputs.wallets_at:
        name = "venue_account_balances"
        rows = to_rows(TYPED[name], inputs.events(name, *conditions), ("account_id", "currency", "ts"))
        for account_id, currency, ts in rows:
            asked[account_id, currency].add(ts)
    for unit in units:
        unit.snapshots = sorted({*inputs.instants, *asked[unit.key.account_id, unit.key.currency]})


def session_market(inputs: SessionInputs, instruments: Sequence[str]) -> Market:
    """Marks, ticks and funding of some instruments in the session."""
    market = inputs.reference.market()
    market.opening_marks = {i: mark for _, i, mark in to_rows(MARKS, inputs.state("marks"))}
    wanted = pc.field("instrument_id").isin(pa.array(instruments, pa.string()))
    fields = ("ts", "instrument_id", "mark_price", "bid", "ask")
    for ts, instrument_id, mark, bid, ask in sorted(
        to_rows(TYPED["ticks"], inputs.events("ticks", wanted), fields), key=lambda row: row[:2]
    ):
        series = market.ticks.setdefault(instrument_id, TickSeries())
        series.ts.append(ts)
        series.mark.append(mark)
        series.bid.append(bid)
        series.ask.append(ask)
    of_funding = ("ts", "instrument_id", "rate", "price")
    for ts, instrument_id, rate, price in sorted(
        to_rows(TYPED["funding"], inputs.events("funding", wanted), of_funding)
    ):
        market.funding.setdefault(instrument_id, []).append(Funding(ts, rate, price))
    return market


def adl_trades_of(inputs: SessionInputs, only: Collection[str] | None = None) -> frozenset[tuple[Trade, int]]:
    """Trades of the session, or of some trade_ids, in which a client was deleveraged, each with its time."""
    adl = (pc.field("kind") == "adl") & ~_of_liquidators(inputs)
    if only is not None:
        adl &= pc.field("trade_id").isin(pa.array(sorted(only), pa.string()))
    if next(inputs.event_batches("fills", ("kind",), (), adl), None) is None:
        return frozenset()  # on most days, and kinds are quicker to read than ids
    return _trades(inputs.stream("fills", _TRADE, adl).read_all())


def taken_trades_of(
    inputs: SessionInputs, only: Collection[str] | None = None
) -> frozenset[tuple[Trade, int]]:
    """Trades in which a liquidator stood against the liquidation of a client's position, each with its time."""
    if not inputs.reference.known.liquidators:
        return frozenset()
    mine, liquidated = _of_liquidators(inputs), pc.field("kind") == "liquidation"
    wanted = (
        pc.scalar(True) if only is None else pc.field("trade_id").isin(pa.array(sorted(only), pa.string()))
    )
    clients = inputs.stream("fills", _TRADE, liquidated & ~mine & wanted).read_all()
    ids = pc.unique(clients.column("trade_id"))
    theirs = [
        batch.filter(pc.is_in(batch.column("trade_id"), ids))
        for batch in inputs.stream("fills", _TRADE, mine)
    ]
    if not theirs or not len(clients):
        return frozenset()
    return _trades(clients.join(pa.Table.from_batches(theirs), list(_TRADE), join_type="left semi"))


def _of_liquidators(inputs: SessionInputs) -> Any:
    return pc.field("account_id").isin(pa.array(sorted(inputs.reference.known.liquidators), pa.string()))


def _trades(rows: pa.Table) -> frozenset[tuple[Trade, int]]:
    return frozenset((Trade(instrument_id, trade_id), ts) for instrument_id, trade_id, ts in plain_rows(rows))
