"""Attribute: the waterfall, the sharing, the reconciliations and the rule comparison of a replayed date."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.attribution import (
    Session,
    Tables,
    adl_rows,
    attribute,
    check_rows,
)
from engine.events import Fill
from engine.numbers import e18_to_units
from engine.reconcile import (
    Check,
    TradeTotals,
    VenueBalance,
    VenueLiquidation,
    balance_checks,
    currency_checks,
    liquidation_checks,
    liquidation_value_checks,
    market_checks,
    trade_checks,
)
from engine.rows import SessionRows
from engine.rule_comparison import comparison_rows, shortfall_instants
from engine.waterfall import ExternalMovement, run_waterfall
from jobs.attribute.fund_opening import replace_openings
from jobs.day import Day
from jobs.replay.recompute import bucket_tasks
from jobs.replay.snapshots import snapshots_at
from jobs.replay.task import row_types
from schemas.attribution import INSURANCE_FUND_DAILY, TABLES
from schemas.ledger import REPLAYED, TYPED, UNIT_CHARGES
from store.arrow import to_arrow, to_objects, to_rows
from store.reference import ReferenceData

_TIME = pa.timestamp("us", tz="UTC")


class Inputs:
    """The session's rows of the dated datasets, as the engine wants them."""

    def __init__(self, day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
        self.day, self.reference, self.folders = day, reference, folders
        self._task = bucket_tasks(day, reference, folders)[0]

    def rows(self, name: str, columns: Sequence[str], *conditions: Any) -> list[tuple[Any, ...]]:
        return sorted(to_rows(TYPED[name], self._task.events(name, *conditions), columns))

    def units(self, currency: str, amount_e18: int) -> int:
        return e18_to_units(amount_e18, self.reference.scales[currency])

    def external_movements(self) -> list[ExternalMovement]:
        """The venue's own movements; a scenario's `fund_opening` takes the place of kind opening."""
        columns = ("ts", "movement_id", "currency", "kind", "amount")
        rows = [
            ExternalMovement(ts, movement_id, currency, kind, self.units(currency, amount))
            for ts, movement_id, currency, kind, amount in self.rows("fund_movements", columns)
        ]
        return replace_openings(rows, self.day, self.reference)

    def trades(self) -> TradeTotals:
        """Trades whose earliest side is in the session, by the sides before its end."""
        sides: defaultdict[str, list[int]] = defaultdict(list)
        for trade_id, side, quantity in self.rows("fills", ("trade_id", "side", "quantity")):
            sides[trade_id].append(quantity if side == "buy" else -quantity)
        for trade_id in self._trades_before(sorted(sides)):
            del sides[trade_id]
        many = {trade_id: sum(q) for trade_id, q in sides.items() if len(q) > 1}
        return TradeTotals(len(sides) - len(many), len(many), {t: q for t, q in many.items() if q})

    def _trades_before(self, trade_ids: list[str]) -> set[str]:
        """Those of the trades that began in an earlier session."""
        if self.day.first or not trade_ids:
            return set()
        found = self._fills_of(trade_ids, pc.field("ts") < pa.scalar(self.day.start, _TIME), ["trade_id"])
        return set(found.column("trade_id").to_pylist())

    def _fills_of(self, trade_ids: list[str], condition: Any, columns: list[str]) -> pa.Table:
        wanted = (
            condition
            & (pc.field("trade_id") >= trade_ids[0])
            & (pc.field("trade_id") <= trade_ids[-1])
            & pc.field("trade_id").isin(trade_ids)
        )
        return self.day.warehouse.find(TYPED["fills"], wanted, columns)

    def other_sides(self, trade_ids: list[str]) -> dict[str, list[tuple[str, str]]]:
        """(fill_id, account_id) of all sides of some trades delivered before the end of the session."""
        sides: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        if trade_ids:
            before_end = pc.field("ts") < pa.scalar(self.day.end, _TIME)
            found = self._fills_of(trade_ids, before_end, ["trade_id", "fill_id", "account_id"])
            for row in found.to_pylist():
                sides[row["trade_id"]].append((row["fill_id"], row["account_id"]))
        return sides

    def venue_liquidations(self) -> list[VenueLiquidation]:
        columns = ("ts", "account_id", "currency", "notional", "account_value")
        delivered = self.rows("venue_liquidations", columns)
        fills = self._liquidation_fills(delivered)
        return [
            VenueLiquidation(
                ts,
                account_id,
                currency,
                self.units(currency, notional),
                self.units(currency, value),
                tuple(fills[ts, account_id, currency]),
            )
            for ts, account_id, currency, notional, value in delivered
        ]

    def _liquidation_fills(
        self, delivered: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[int, str, str], list[Fill]]:
        fills: defaultdict[tuple[int, str, str], list[Fill]] = defaultdict(list)
        if not delivered:
            return fills
        columns = ("ts", "fill_id", "trade_id", "instrument_id", "side", "price", "quantity", "account_id")
        wanted = (pc.field("kind") == "liquidation") & pc.field("account_id").isin(
            pa.array(sorted({row[1] for row in delivered}), pa.string())
        )
        for ts, fill_id, trade_id, instrument_id, side, price, quantity, account_id in self.rows(
            "fills", columns, wanted
        ):
            sign = 1 if side == "buy" else -1
            fill = Fill(ts, fill_id, trade_id, instrument_id, sign, price, quantity, 0, "liquidation")
            fills[ts, account_id, self.reference.contracts[instrument_id].currency].append(fill)
        return fills


def read_replayed(day: Day) -> SessionRows:
    """The staged rows of recompute."""
    types = row_types()
    lists = {
        name: to_objects(table, day.staging.read(table), types[name]) for name, table in REPLAYED.items()
    }
    return SessionRows(**lists)


def attribute_day(day: Day, reference: ReferenceData, folders: Sequence[date]) -> None:
    """Stage the date's published tables."""
    inputs = Inputs(day, reference, folders)
    rows = read_replayed(day)
    openings = None if day.first else _fund_openings(day, reference)
    waterfall = run_waterfall(
        reference.scales,
        openings,
        inputs.external_movements(),
        rows.fund_movements,
        rows.negative_balances,
        day.policy,
        day.end,
    )
    session = Session(
        day.day, day.start, day.end, day.policy, reference.scales, reference.accounts, rows, waterfall
    )
    tables = attribute(session)
    tables["adl_losses"] = adl_rows(
        session, inputs.other_sides(sorted({a.trade_id for a in rows.adl_losses}))
    )
    tables["reconciliation"] = check_rows(_checks(session, inputs, openings or {}))
    instants = shortfall_instants(session)
    snapshots = snapshots_at(day, reference, folders, instants) if instants else []
    tables["rule_comparison"], tables["rule_totals"] = comparison_rows(session, snapshots)
    _stage(day, tables, session)


def _stage(day: Day, tables: Tables, session: Session) -> None:
    for table in TABLES:
        day.staging.write(table, to_arrow(table, tables[table.name], business_date=day.day))
    charges = [
        {**key._asdict(), "charge": amount, "booked_at": day.end} for key, amount in session.charges.items()
    ]
    day.staging.write(UNIT_CHARGES, to_arrow(UNIT_CHARGES, charges, business_date=day.day))


def _fund_openings(day: Day, reference: ReferenceData) -> dict[str, int]:
    rows = to_rows(INSURANCE_FUND_DAILY, day.before(INSURANCE_FUND_DAILY), ("currency", "closing"))
    return {currency: e18_to_units(closing, reference.scales[currency]) for currency, closing in rows}


def _checks(session: Session, inputs: Inputs, openings: dict[str, int]) -> list[Check]:
    rows, scales = session.rows, session.scales
    checks = trade_checks(inputs.trades())
    if session.policy.at(session.end - 1).execution == "recorded":
        open_episodes = sum(unit.open_episode is not None for unit in rows.unit_sessions)
        checks += market_checks(inputs.reference.contracts, rows.unit_positions, rows.funding_totals)
        checks += liquidation_checks(rows.episodes, open_episodes)
    checks += currency_checks(
        scales, rows.unit_sessions, session.waterfall, session.losses, rows.episodes, rows.components
    )
    checks += balance_checks(scales, _venue_balances(session, inputs, openings))
    return checks + liquidation_value_checks(scales, inputs.reference.market(), inputs.venue_liquidations())


def _venue_balances(session: Session, inputs: Inputs, openings: dict[str, int]) -> list[VenueBalance]:
    wallets: defaultdict[tuple[int, str, str], dict[str, int]] = defaultdict(dict)
    for s in session.rows.snapshots:
        wallets[s.ts, s.account_id, s.currency][s.isolation] = s.wallet
    columns = ("ts", "account_id", "currency", "wallet_balance")
    balances = [
        VenueBalance(
            ts,
            account_id,
            currency,
            inputs.units(currency, balance),
            sum(wallets[ts, account_id, currency].values()),
        )
        for ts, account_id, currency, balance in inputs.rows("venue_account_balances", columns)
    ]
    for ts, currency, balance in inputs.rows("venue_fund_balances", ("ts", "currency", "balance")):
        held = session.waterfall.balance_at(currency, ts, openings.get(currency, 0))
        balances.append(VenueBalance(ts, "", currency, inputs.units(currency, balance), held))
    return balances
