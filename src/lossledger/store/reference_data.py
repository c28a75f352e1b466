"""Reference data: currencies, instruments, accounts and margin tiers, in the engine's types."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from lossledger.engine.events import Account, Market
from lossledger.engine.intake.judge import InstrumentVersion, Reference
from lossledger.engine.rules.contracts import Contract
from lossledger.engine.rules.margin import TierHistory, TierTable
from lossledger.engine.versions import Versions
from lossledger.schemas.inputs import ACCOUNTS, CURRENCIES, INSTRUMENTS, MARGIN_TIERS
from lossledger.schemas.ledger import TYPED
from lossledger.store.account_table import AccountTable
from lossledger.store.arrow import to_rows
from lossledger.store.warehouse import Warehouse, content_hash


@dataclass
class ReferenceData:
    """Reference data in force. `sha256` changes with any of it."""

    scales: dict[str, int]
    contracts: dict[str, Contract]
    tick_sizes: dict[str, Versions[int]]
    tiers: dict[str, TierHistory]
    accounts: Mapping[str, Account]
    known: Reference
    sha256: str

    def market(self) -> Market:
        """A market with terms and no prices yet."""
        lot_sizes = {
            i: Versions((start, v.lot_size_e18) for start, v in versions.items())
            for i, versions in self.known.instruments.items()
        }
        return Market(self.contracts, self.tick_sizes, self.tiers, lot_sizes=lot_sizes)


def known_so_far(warehouse: Warehouse) -> Reference:
    """Currencies and instruments, against which other reference data is validated."""
    return _known(*(warehouse.read(TYPED[d.name]) for d in (CURRENCIES, INSTRUMENTS)))


def _known(currencies: pa.Table, instruments: pa.Table) -> Reference:
    known = Reference(scales=dict(sorted(to_rows(TYPED["currencies"], currencies))))
    terms: defaultdict[str, list[tuple[int, InstrumentVersion]]] = defaultdict(list)
    names = ("instrument_id", "settlement_currency", "tick_size", "lot_size", "valid_from")
    for instrument_id, settlement, tick_size, lot_size, valid_from in sorted(
        to_rows(TYPED["instruments"], instruments, names)
    ):
        terms[instrument_id].append((valid_from, InstrumentVersion(tick_size, lot_size)))
        known.settlement[instrument_id] = settlement
    known.instruments = {i: Versions(vs) for i, vs in terms.items()}
    return known


def read_reference(warehouse: Warehouse) -> ReferenceData:
    """Build from the ledger's reference tables."""
    return reference_of(
        {d.name: warehouse.read(TYPED[d.name]) for d in (CURRENCIES, INSTRUMENTS, ACCOUNTS, MARGIN_TIERS)}
    )


def reference_of(tables: Mapping[str, pa.Table]) -> ReferenceData:
    """Build from rows of the ledger's reference tables: all of them, or those needed."""
    known = _known(tables["currencies"], tables["instruments"])
    contracts: dict[str, Contract] = {}
    names = ("instrument_id", "kind", "settlement_currency", "multiplier", "valid_from")
    for instrument_id, kind, settlement, multiplier, _ in sorted(
        to_rows(TYPED["instruments"], tables["instruments"], names), key=lambda row: (row[0], row[4])
    ):
        scale = known.scales[settlement]
        contracts[instrument_id] = Contract(instrument_id, kind, settlement, scale, multiplier)
    accounts = AccountTable(tables["accounts"])
    known.accounts, known.liquidators = accounts.first_seen, accounts.of_type("liquidator")
    tier_rows: defaultdict[str, defaultdict[int, list[tuple[int, int]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for instrument_id, valid_from, floor, rate in to_rows(TYPED["margin_tiers"], tables["margin_tiers"]):
        tier_rows[instrument_id][valid_from].append((floor, rate))
    tiers = {
        instrument_id: TierHistory(
            instrument_id,
            {start: TierTable(rows, contracts[instrument_id].scale) for start, rows in tables_of.items()},
        )
        for instrument_id, tables_of in sorted(tier_rows.items())
    }
    tick_sizes = {
        i: Versions((start, v.tick_size_e18) for start, v in versions.items())
        for i, versions in known.instruments.items()
    }
    digest = content_hash((TYPED[name], data) for name, data in sorted(tables.items()))
    return ReferenceData(known.scales, contracts, tick_sizes, tiers, accounts, known, digest)


def text_hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
