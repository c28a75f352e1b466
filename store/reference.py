"""Reference data: currencies, instruments, accounts and margin tiers, as the rules want them."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass

from engine.events import Account, AccountVersion, Market
from engine.intake.judge import InstrumentVersion, Reference
from engine.rules.contracts import Contract
from engine.rules.margin import TierHistory, TierTable
from engine.versions import Versions
from schemas.inputs import ACCOUNTS, CURRENCIES, INSTRUMENTS, MARGIN_TIERS
from schemas.ledger import TYPED
from store.arrow import to_rows
from store.warehouse import Warehouse, content_hash


@dataclass
class ReferenceData:
    """What does not happen but holds. `sha256` tells whether anything of it has changed."""

    scales: dict[str, int]
    contracts: dict[str, Contract]
    tick_sizes: dict[str, Versions[int]]
    tiers: dict[str, TierHistory]
    accounts: dict[str, Account]
    known: Reference
    sha256: str

    def market(self) -> Market:
        """A market with terms and no prices yet."""
        return Market(self.contracts, self.tick_sizes, self.tiers)


def read_reference(warehouse: Warehouse) -> ReferenceData:
    """Build from the ledger's reference tables."""
    tables = {
        d.name: warehouse.read(TYPED[d.name]) for d in (CURRENCIES, INSTRUMENTS, ACCOUNTS, MARGIN_TIERS)
    }
    scales: dict[str, int] = dict(to_rows(TYPED["currencies"], tables["currencies"]))
    known = Reference(scales=dict(sorted(scales.items())))
    contracts: dict[str, Contract] = {}
    terms: defaultdict[str, list[tuple[int, InstrumentVersion]]] = defaultdict(list)
    for instrument_id, kind, _, _, settlement, multiplier, tick_size, lot_size, valid_from in sorted(
        to_rows(TYPED["instruments"], tables["instruments"]), key=lambda row: (row[0], row[8])
    ):
        terms[instrument_id].append((valid_from, InstrumentVersion(tick_size, lot_size)))
        known.settlement[instrument_id] = settlement
        contracts[instrument_id] = Contract(instrument_id, kind, settlement, scales[settlement], multiplier)
    known.instruments = {i: Versions(vs) for i, vs in terms.items()}
    versions: defaultdict[str, list[tuple[int, AccountVersion]]] = defaultdict(list)
    types: dict[str, str] = {}
    for account_id, account_type, client_class, protected, valid_from in to_rows(
        TYPED["accounts"], tables["accounts"]
    ):
        versions[account_id].append((valid_from, AccountVersion(client_class, protected)))
        types[account_id] = account_type
    accounts = {a: Account(a, types[a], Versions(v)) for a, v in sorted(versions.items())}
    known.accounts = {a: min(valid_from for valid_from, _ in v) for a, v in versions.items()}
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
    tick_sizes = {i: Versions((start, v.tick_size_e18) for start, v in vs) for i, vs in terms.items()}
    digest = content_hash((TYPED[name], data) for name, data in sorted(tables.items()))
    return ReferenceData(known.scales, contracts, tick_sizes, tiers, accounts, known, digest)


def text_hash(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
