"""One account's session: its inputs and published rows at the published versions, replayed by the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import NEVER, day_of
from lossledger.engine.errors import ConfigError
from lossledger.engine.events import Account, AccountVersion, Market
from lossledger.engine.intake.policy import Policy
from lossledger.engine.intake.policy_text import policy_of
from lossledger.engine.rows import OpenLot, SessionRows
from lossledger.engine.rules.lot_results import CLASS_OF_SIMULATED
from lossledger.engine.rules.units import UnitInput
from lossledger.engine.versions import Versions
from lossledger.readers.explain.session_lots import (
    SessionLots,
    origins_of_fills,
    simulated_before,
    simulated_since,
    with_opening_marks,
)
from lossledger.readers.explain.unit_trace import TracedUnit, replay_traced
from lossledger.readers.published.published_files import folders
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import Row, read_rows
from lossledger.schemas.attribution import TAKEOVER_INVENTORY, TAKEOVERS
from lossledger.schemas.core import Table
from lossledger.schemas.inputs import ACCOUNTS, CURRENCIES, DATED, INSTRUMENTS, MARGIN_TIERS
from lossledger.schemas.ledger import CARRIED, OPEN_LOTS, TYPED
from lossledger.schemas.ops import POLICIES, PUBLISHED_FROM
from lossledger.store.arrow import filled, to_objects, to_rows
from lossledger.store.buckets import account_bucket
from lossledger.store.delta import dataset
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate
from lossledger.store.reference_data import ReferenceData, reference_of
from lossledger.store.session_inputs import PinnedTable, SessionInputs
from lossledger.store.session_units import (
    adl_trades_of,
    instruments_of,
    session_market,
    taken_trades_of,
    units_of,
)
from lossledger.store.table_cache import at_version
from lossledger.store.warehouse import NOT_THERE, Warehouse


@dataclass(frozen=True)
class PublishedDates:
    """Published dates of a warehouse. A scenario's first one starts from the state of one of `base`."""

    tables: PublishedTables
    base: PublishedTables | None = None

    @classmethod
    def open(cls, root: Place, as_of: str | None = None, scenario: str | None = None) -> "PublishedDates":
        """ConfigError: no warehouse, scenario, time or run of that name."""
        base = PublishedTables.open(root) if scenario else None
        return cls(PublishedTables.open(root, as_of, scenario), base)

    def state_before(self, day: date) -> tuple[Warehouse, PublishedDate | None]:
        """The warehouse and date whose closing state a date starts from; None on the first date."""
        if self.tables.published(day).first_date:
            return self.tables.warehouse, None
        before = day - timedelta(days=1)
        for tables in filter(None, (self.tables, self.base)):
            if before in tables.pins.days:
                return tables.warehouse, tables.published(before)
        raise ConfigError(f"{day} was computed from {before}, which is not published any more")


@dataclass(frozen=True)
class AccountSession:
    """An account in the session of a published date.

    `versions`: of the ledger's tables. `pinned`: whether the publishing run recorded them. `others`: accounts that are
    no clients.
    """

    dates: PublishedDates
    day: PublishedDate
    account: Account
    versions: Mapping[str, int]
    pinned: bool
    inputs: SessionInputs
    others: frozenset[str] = frozenset()

    @property
    def policy(self) -> Policy:
        return self.inputs.policy

    @property
    def warehouse(self) -> Warehouse:
        return self.dates.tables.warehouse

    @property
    def reference(self) -> ReferenceData:
        return self.inputs.reference

    @property
    def rules_version(self) -> str:
        """Version of the rules that the date was published under; '' if it was not recorded."""
        rows = read_rows(self.dates.tables, PUBLISHED_FROM, [self.day.day], pc.field("kind") == "rules")
        return next((row["value"] for row in rows if row["name"] == "version"), "")

    @property
    def start(self) -> int:
        return self.inputs.start

    @cached_property
    def units(self) -> list[UnitInput]:
        """Its units with their state and events."""
        mine = self.account.account_id
        found = units_of(self.inputs, {mine: self.account}, [mine])
        trades = {
            f.trade_id
            for unit in found
            for f in unit.fills
            if f.kind == "liquidation" or self.account.is_liquidator
        }
        if not trades:
            return found
        adl, taken = adl_trades_of(self.inputs, trades), taken_trades_of(self.inputs, trades)
        inputs = replace(self.inputs, adl_trades=adl, taken_trades=taken)
        return units_of(inputs, {mine: self.account}, [mine])

    @cached_property
    def instruments(self) -> list[str]:
        """Instruments that the account holds or trades, and those of its lots."""
        return sorted({*instruments_of(self.units), *(lot.instrument_id for lot in self._lots.simulated)})

    @cached_property
    def market(self) -> Market:
        return session_market(self.inputs, self.instruments)

    @cached_property
    def _lots(self) -> SessionLots:
        """Of a liquidator: its simulated lots, and where the others came from."""
        account_id = self.account.account_id
        if not self.account.is_liquidator:
            return SessionLots()
        mine = pc.field("account_id") == account_id
        closings, inventory = (self.published(table, mine) for table in (TAKEOVERS, TAKEOVER_INVENTORY))
        before = simulated_before(self.inputs, account_id)
        known = {lot.lot_id for lot in before}
        found = self.dates.tables.rows(OPEN_LOTS.full_name, [self.day.day], where=mine) if inventory else None
        still_open = to_objects(OPEN_LOTS, found, OpenLot) if found else []
        since = simulated_since(closings, still_open, known, self.reference.scales)
        origins = origins_of_fills(self.inputs, self.units, self.others)
        episodes = {row["lot_id"]: row["episode_id"] for row in (*closings, *inventory)}
        return SessionLots([*before, *since], origins, episodes)

    @cached_property
    def _replayed(self) -> tuple[SessionRows, Sequence[TracedUnit]]:
        rows, traced = replay_traced(self.units, self.market, self.policy, self.start)
        if self.account.is_liquidator:
            lots = with_opening_marks(self._lots.simulated, self.market, self.start)
            replace(self._lots, simulated=lots).settle(rows, self.market, self.policy, self.account)
        return rows, traced

    @property
    def rows(self) -> SessionRows:
        return self._replayed[0]

    @property
    def traced(self) -> Sequence[TracedUnit]:
        return self._replayed[1]

    def scale(self, currency: str) -> int:
        return self.reference.scales[currency]

    def published(self, table: Table, condition: Any = None) -> list[Row]:
        """The date's rows as published, or those that satisfy a condition, in order of the key."""
        return read_rows(self.dates.tables, table, [self.day.day], condition)


def open_session(dates: PublishedDates, account_id: str, day: date) -> AccountSession:
    """Raises ConfigError if the date is not published or the account is unknown; the message names what exists."""
    published, warehouse = dates.tables.published(day), dates.tables.warehouse
    recorded = dates.tables.pins.inputs_of(day)
    versions = {name: recorded.get(name, warehouse.version(table)) for name, table in TYPED.items()}
    reference = _reference(warehouse, versions, account_id)
    policy = _policy(dates.tables, published)
    account = reference.accounts.get(account_id)
    if account is None and (account_id in policy.liquidators or _has_lots(dates, account_id, day)):
        account = _liquidator_of_simulations(account_id)
    if account is None:
        raise ConfigError(
            f"no account {account_id!r} in ledger.accounts; {_some_accounts(warehouse, versions)}"
        )
    sources = {
        d.name: PinnedTable(str(warehouse.path(TYPED[d.name])), versions[d.name], TYPED[d.name])
        for d in DATED
    }
    state, before = dates.state_before(day)
    for table in CARRIED:
        version = before.version_of(table) if before else NOT_THERE
        sources[table.name] = PinnedTable(str(state.path(table)), version, table)
    inputs = SessionInputs(
        [account_bucket(account_id)],
        -NEVER if published.first_date else published.start,
        published.end,
        _folders(warehouse, published),
        before.day.isoformat() if before else None,
        sources,
        reference,
        policy,
    )
    others = frozenset(name for name, one in reference.accounts.items() if not one.is_client)
    return AccountSession(dates, published, account, versions, bool(recorded), inputs, others)


def _has_lots(dates: PublishedDates, account_id: str, day: date) -> bool:
    mine = pc.field("account_id") == account_id
    return any(read_rows(dates.tables, table, [day], mine) for table in (TAKEOVERS, TAKEOVER_INVENTORY))


def _liquidator_of_simulations(account_id: str) -> Account:
    """The account that simulated lots are opened for: it needs no row of its own (rules.md section 15)."""
    return Account(account_id, "liquidator", Versions([(-NEVER, AccountVersion(CLASS_OF_SIMULATED, True))]))


def _policy(tables: PublishedTables, published: PublishedDate) -> Policy:
    """The policy stored with the date. ConfigError: none was stored."""
    if POLICIES.full_name not in published.table_versions:
        raise ConfigError(f"{published.day} was published before its policy was kept with it: run it again")
    data = tables.rows(POLICIES.full_name, [published.day])
    return policy_of(to_rows(POLICIES, data, ("valid_from", "key", "value")))


def _some_accounts(warehouse: Warehouse, versions: Mapping[str, int]) -> str:
    table = TYPED[ACCOUNTS.name]
    delta = at_version(str(warehouse.path(table)), versions[ACCOUNTS.name])
    names = sorted(
        set(dataset(table, delta).head(1000, columns=["account_id"]).column("account_id").to_pylist())
    )
    return f"there are such as {', '.join(names[:5])}" if names else "there are none"


def _reference(warehouse: Warehouse, versions: Mapping[str, int], account_id: str) -> ReferenceData:
    """All instruments, and of the accounts this one and those that are no clients."""
    tables: dict[str, pa.Table] = {}
    for d in (CURRENCIES, INSTRUMENTS, ACCOUNTS, MARGIN_TIERS):
        table = TYPED[d.name]
        wanted = (pc.field("account_id") == account_id) | (pc.field("account_type") != "client")
        mine = wanted if d is ACCOUNTS else None
        delta = at_version(str(warehouse.path(table)), versions[d.name])
        tables[d.name] = filled(table, dataset(table, delta).to_table(filter=mine))
    return reference_of(tables)


def _folders(warehouse: Warehouse, day: PublishedDate) -> list[str]:
    """The dates of ledger rows that can be in the session."""
    earliest = day_of(day.start)
    if day.first_date:
        landed = (found for name in DATED for found in warehouse.days(TYPED[name.name]))
        earliest = min(landed, default=earliest)
    return [folder.isoformat() for folder in folders(day, earliest)]
