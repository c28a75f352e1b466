"""From delivered rows to what the engine replays, in memory: no files, no Arrow, no Delta."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from lossledger.engine.events import (
    Account,
    AccountVersion,
    Fill,
    Funding,
    Market,
    TickSeries,
    Transfer,
    UnitKey,
)
from lossledger.engine.intake.judge import InstrumentVersion, Intake, RawRow, Reference, take_in
from lossledger.engine.intake.keys import reject_changed_versions, settle_keys
from lossledger.engine.intake.policy import Policy, parse_policy
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.counterparts import mark_counterparts
from lossledger.engine.rules.fund import ExternalMovement
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.versions import Versions
from lossledger.schemas.inputs import DATASETS
from tests.properties.delivered import Delivered

Tuples = list[tuple[Any, ...]]
UNCHANGING = {
    "instruments": ("kind", "base_currency", "quote_currency", "settlement_currency", "multiplier"),
    "accounts": ("account_type",),
}


@dataclass
class Ledger:
    """Accepted rows as the engine wants them: all dates together, in the order of time."""

    first: dt.date
    last: dt.date
    policy: Policy
    reference: Reference
    contracts: dict[str, Contract]
    accounts: dict[str, Account]
    tiers: dict[str, dict[int, TierTable]]  # by instrument and valid_from
    transfers: list[tuple[UnitKey, Transfer]] = field(default_factory=list)
    fills: list[tuple[UnitKey, Fill]] = field(default_factory=list)
    ticks: Tuples = field(default_factory=list)  # ts, instrument_id, mark, bid, ask
    funding: list[tuple[str, Funding]] = field(default_factory=list)
    movements: list[ExternalMovement] = field(default_factory=list)

    @property
    def scales(self) -> dict[str, int]:
        return self.reference.scales

    def market(self, start: int, end: int, marks: dict[str, int]) -> Market:
        """Marks, ticks and funding of [start, end)."""
        sizes = {
            i: Versions((start, v.tick_size_e18) for start, v in vs.items())
            for i, vs in self.reference.instruments.items()
        }
        tiers = {i: TierHistory(i, tables) for i, tables in self.tiers.items()}
        lots = {
            i: Versions((start, v.lot_size_e18) for start, v in vs.items())
            for i, vs in self.reference.instruments.items()
        }
        market = Market(self.contracts, sizes, tiers, dict(marks), lot_sizes=lots)
        for ts, instrument_id, mark, bid, ask in self.ticks:
            if start <= ts < end:
                series = market.ticks.setdefault(instrument_id, TickSeries())
                series.ts.append(ts)
                series.mark.append(mark)
                series.bid.append(bid)
                series.ask.append(ask)
        for instrument_id, event in self.funding:
            if start <= event.ts < end:
                market.funding.setdefault(instrument_id, []).append(event)
        return market

    def until(self, t: int) -> Ledger:
        """What was known at t: no later event, and no version of an account, contract or table valid later."""
        accounts = {a: Account(a, x.account_type, x.versions.known_at(t)) for a, x in self.accounts.items()}
        instruments = {i: vs.known_at(t) for i, vs in self.reference.instruments.items()}
        return replace(
            self,
            accounts={a: x for a, x in accounts.items() if x.versions.values()},
            reference=replace(self.reference, instruments=instruments),
            tiers={i: {v: x for v, x in tables.items() if v <= t} for i, tables in self.tiers.items()},
            transfers=[e for e in self.transfers if e[1].ts <= t],
            fills=[e for e in self.fills if e[1].ts <= t],
            ticks=[e for e in self.ticks if e[0] <= t],
            funding=[e for e in self.funding if e[1].ts <= t],
            movements=[m for m in self.movements if m.ts <= t],
        )

    def times(self) -> list[int]:
        """When anything happens."""
        stamps = {e[1].ts for e in self.transfers} | {e[1].ts for e in self.fills}
        return sorted(stamps | {e[0] for e in self.ticks} | {e[1].ts for e in self.funding})


def take_in_all(delivered: Delivered) -> tuple[dict[str, Tuples], Reference]:
    """Judge a whole delivery as the load does: reference data first, then folder by folder."""
    known, accepted = Reference(), defaultdict[str, Tuples](list)
    for name, dataset in DATASETS.items():
        if not dataset.dated:
            intake = settle_keys(dataset, _judged(delivered, name, None, known), {})
            if name in UNCHANGING:
                intake = reject_changed_versions(dataset, intake, UNCHANGING[name], "changed")
            accepted[name] = intake.rows
            _learn(known, name, intake.rows)
    for name, day in sorted(
        (key for key in delivered.rows if key[1]), key=lambda key: (key[1] or dt.date.min, key)
    ):
        dataset = DATASETS[name]
        place = [f.name for f in dataset.fields].index(dataset.key[0])
        before = {} if "ts" in dataset.key else {(row[place],): row for row in accepted[name]}
        accepted[name] += settle_keys(dataset, _judged(delivered, name, day, known), before).rows
    return accepted, known


def _judged(delivered: Delivered, name: str, day: dt.date | None, known: Reference) -> Intake:
    rows = delivered.rows.get((name, day), [])
    return take_in(DATASETS[name], (RawRow("a", n, row, "") for n, row in enumerate(rows, 1)), known, day)


def _learn(known: Reference, name: str, rows: Tuples) -> None:
    if name == "currencies":
        known.scales = dict(sorted(rows))
    for row in sorted(rows, key=lambda row: row[-1]) if name in ("instruments", "accounts") else []:
        if name == "instruments":
            before = known.instruments.get(row[0], Versions())
            version = (row[8], InstrumentVersion(row[6], row[7]))
            known.instruments[row[0]] = Versions([*before.items(), version])
            known.settlement[row[0]] = row[4]
        else:
            known.accounts.setdefault(row[0], row[4])
            if row[1] == "liquidator":
                known.liquidators |= {row[0]}


def read_ledger(delivered: Delivered) -> Ledger:
    """Everything accepted of a delivery."""
    accepted, known = take_in_all(delivered)
    scales = known.scales
    contracts = {r[0]: Contract(r[0], r[1], r[4], scales[r[4]], r[5]) for r in accepted["instruments"]}
    versions: defaultdict[str, list[tuple[int, AccountVersion]]] = defaultdict(list)
    types = {}
    for account_id, kind, client_class, protected, since in accepted["accounts"]:
        types[account_id] = kind
        versions[account_id].append((since, AccountVersion(client_class, protected)))
    rates: defaultdict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for instrument_id, since, floor, rate in accepted["margin_tiers"]:
        rates[instrument_id, since].append((floor, rate))
    tiers: defaultdict[str, dict[int, TierTable]] = defaultdict(dict)
    for (instrument_id, since), rows in rates.items():
        tiers[instrument_id][since] = TierTable(rows, contracts[instrument_id].scale)
    accounts = {a: Account(a, types[a], Versions(v)) for a, v in sorted(versions.items())}
    policy = parse_policy(delivered.policy)
    ledger = Ledger(delivered.first, delivered.last, policy, known, contracts, accounts, tiers)
    _add_events(ledger, accepted)
    return ledger


def _add_events(ledger: Ledger, accepted: dict[str, Tuples]) -> None:
    scales = ledger.scales
    for transfer_id, ts, account_id, currency, isolation, amount, _ in accepted["transfers"]:
        units = e18_to_units(amount, scales[currency])
        ledger.transfers.append((UnitKey(account_id, currency, isolation), Transfer(ts, transfer_id, units)))
    for fill_id, trade_id, ts, account, instrument, isolated, side, price, quantity, fee, kind in accepted[
        "fills"
    ]:
        contract = ledger.contracts[instrument]
        units, sign = e18_to_units(fee, contract.scale), 1 if side == "buy" else -1
        fill = Fill(ts, fill_id, trade_id, instrument, sign, price, quantity, units, kind)
        ledger.fills.append((UnitKey(account, contract.currency, instrument if isolated else ""), fill))
    ledger.fills = mark_counterparts(ledger.fills, ledger.accounts)
    ledger.ticks = sorted(((ts, i, m, b, a) for ts, i, m, _, b, a in accepted["ticks"]), key=lambda r: r[:2])
    ledger.funding = [(i, Funding(ts, rate, price)) for ts, i, rate, price in sorted(accepted["funding"])]
    for movement_id, ts, currency, amount, kind in accepted["fund_movements"]:
        units = e18_to_units(amount, scales[currency])
        ledger.movements.append(ExternalMovement(ts, movement_id, currency, kind, units))
