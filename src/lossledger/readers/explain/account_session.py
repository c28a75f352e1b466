"""One account's session: its inputs and published rows at the published versions, replayed by the reference."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import NEVER, day_of
from lossledger.engine.errors import ConfigError
from lossledger.engine.events import Account, Market, Trade
from lossledger.engine.intake.policy import Policy
from lossledger.engine.intake.policy_text import policy_of
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.units import UnitInput
from lossledger.readers.explain.unit_trace import TracedUnit, replay_traced
from lossledger.readers.published.published_files import folders
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.published_rows import Row, read_rows
from lossledger.schemas.core import Table
from lossledger.schemas.inputs import ACCOUNTS, CURRENCIES, DATED, INSTRUMENTS, MARGIN_TIERS
from lossledger.schemas.ledger import CARRIED, TYPED
from lossledger.schemas.ops import POLICIES, PUBLISHED_FROM
from lossledger.store.arrow import filled, to_rows
from lossledger.store.buckets import account_bucket
from lossledger.store.delta import dataset
from lossledger.store.places import Place
from lossledger.store.published_dates import PublishedDate
from lossledger.store.reference_data import ReferenceData, reference_of
from lossledger.store.session_inputs import PinnedTable, SessionInputs
from lossledger.store.session_units import adl_trades_of, instruments_of, session_market, units_of
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

    `versions`: of the ledger's tables. `pinned`: whether the publishing run recorded them.
    """

    dates: PublishedDates
    day: PublishedDate
    account: Account
    versions: Mapping[str, int]
    pinned: bool
    inputs: SessionInputs

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
        found = units_of(self.inputs, {self.account.account_id: self.account}, [self.account.account_id])
        trades = {f.trade_id for unit in found for f in unit.fills if f.kind == "liquidation"}
        if trades:
            met = adl_trades_of(self.inputs, trades)
            for unit in found:
                unit.fills = [
                    f._replace(
                        met_by_adl=f.kind == "liquidation"
                        and (Trade(f.instrument_id, f.trade_id), f.ts) in met
                    )
                    for f in unit.fills
                ]
        return found

    @cached_property
    def instruments(self) -> list[str]:
        """Instruments that the account holds or trades, or that an open liquidation started with."""
        return instruments_of(self.units)

    @cached_property
    def market(self) -> Market:
        return session_market(self.inputs, self.instruments)

    @cached_property
    def _replayed(self) -> tuple[SessionRows, Sequence[TracedUnit]]:
        return replay_traced(self.units, self.market, self.policy, self.start)

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
    if account_id not in reference.accounts:
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
        _policy(dates.tables, published),
    )
    return AccountSession(dates, published, reference.accounts[account_id], versions, bool(recorded), inputs)


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
    """All instruments, and of the accounts this one."""
    tables: dict[str, pa.Table] = {}
    for d in (CURRENCIES, INSTRUMENTS, ACCOUNTS, MARGIN_TIERS):
        table = TYPED[d.name]
        mine = pc.field("account_id") == account_id if d is ACCOUNTS else None
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
