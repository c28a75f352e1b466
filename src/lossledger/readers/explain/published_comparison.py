"""Compares an account's rows recomputed by the reference with the published rows, column by column."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import iso
from lossledger.engine.events import UnitKey
from lossledger.engine.numbers import units_to_e18
from lossledger.engine.replayed import Replayed, Tables
from lossledger.engine.rows import FundMovement
from lossledger.engine.rules.lot_results import CAUSE
from lossledger.engine.rules.sharing import unit_charges
from lossledger.engine.tables.accounts import accounts, positions
from lossledger.engine.tables.liquidations import adl_rows, liquidation_positions, liquidations
from lossledger.engine.tables.losses import negative_balances, protection
from lossledger.engine.tables.takeovers import takeover_inventory, takeovers
from lossledger.readers.document.model import Citation, FigureComparison, RowComparison
from lossledger.readers.document.values import Amount, Cell
from lossledger.readers.explain.account_session import AccountSession
from lossledger.readers.explain.origins import key_of
from lossledger.readers.explain.session_waterfall import Draw, SessionWaterfall, waterfall
from lossledger.readers.published_rows import Row
from lossledger.schemas import attribution
from lossledger.schemas.core import Column, Table, Type
from lossledger.schemas.ledger import UNIT_CHARGES

_OF_EPISODE = (attribution.LIQUIDATION_POSITIONS, attribution.LOSS_COMPONENTS_TABLE)
TABLES = (
    attribution.LIQUIDATIONS,
    *_OF_EPISODE,
    attribution.NEGATIVE_BALANCES,
    attribution.PROTECTION_DAILY,
    attribution.SOCIALISED_LOSSES,
    attribution.ADL_LOSSES,
    attribution.TAKEOVERS,
    attribution.TAKEOVER_INVENTORY,
    attribution.ACCOUNT_DAILY,
    attribution.POSITIONS_DAILY,
    attribution.RECEIVABLES_DAILY,
    UNIT_CHARGES,
)
# The counterparty of a deleveraged fill comes from other accounts' fills: it is not recomputed.
_NOT_RECOMPUTED = {"against_account_id", "business_date"}
# The liquidation that a lot came from is another account's session.
_NOT_RECOMPUTED_OF_LOTS = {"episode_id"}


class Comparison:
    """Recomputed and published rows of an account's session, in the columns of the published tables."""

    def __init__(self, session: AccountSession) -> None:
        self.session = session
        self.losses = {currency: SessionWaterfall(session, currency) for currency in session.reference.scales}

    @cached_property
    def replayed(self) -> Replayed:
        s = self.session
        return Replayed(
            s.day.day,
            s.start,
            s.inputs.end,
            s.policy,
            s.reference.scales,
            {s.account.account_id: s.account},
            s.rows,
            waterfall(self.losses, s.rows.negative_balances),
        )

    @cached_property
    def recomputed(self) -> Tables:
        """Rows by full name of the table."""
        replayed = self.replayed
        episodes, components = liquidations(replayed)
        daily, receivables = accounts(replayed)
        by_table: dict[Table, list[dict[str, Any]]] = {
            attribution.LIQUIDATIONS: episodes,
            attribution.LOSS_COMPONENTS_TABLE: components,
            attribution.LIQUIDATION_POSITIONS: liquidation_positions(replayed),
            attribution.NEGATIVE_BALANCES: negative_balances(replayed),
            attribution.PROTECTION_DAILY: protection(replayed),
            attribution.ADL_LOSSES: adl_rows(replayed, {}),
            attribution.TAKEOVERS: takeovers(replayed),
            attribution.TAKEOVER_INVENTORY: self._inventory(),
            attribution.ACCOUNT_DAILY: daily,
            attribution.POSITIONS_DAILY: positions(replayed),
            attribution.RECEIVABLES_DAILY: receivables,
            attribution.SOCIALISED_LOSSES: list(self._payers()),
            UNIT_CHARGES: list(self._unit_charges()),
        }
        return {table.full_name: rows for table, rows in by_table.items()}

    def _inventory(self) -> list[dict[str, Any]]:
        """The account's own open lots: a client's replay opens simulated ones that are a liquidator's."""
        rows = takeover_inventory(self.replayed, self.session.market)
        return [row for row in rows if row["account_id"] == self.session.account.account_id]

    def _payers(self) -> Iterator[dict[str, Any]]:
        account_id = self.session.account.account_id
        for currency, losses in self.losses.items():
            if losses.charge:
                yield {
                    "account_id": account_id,
                    "currency": currency,
                    "client_class": self.replayed.account(account_id)["client_class"],
                    "method": losses.method,
                    "basis": self.replayed.money(currency, losses.share.basis),
                    "charge": self.replayed.money(currency, losses.charge),
                }

    def unit_charges(self) -> dict[UnitKey, int]:
        """Each unit's part of the account's charges, in ledger units."""
        found: dict[UnitKey, int] = {}
        for currency, losses in self.losses.items():
            if losses.charge:
                charges = {self.session.account.account_id: losses.charge}
                found |= unit_charges(charges, self.session.rows.unit_sessions, currency)
        return found

    def _unit_charges(self) -> Iterator[dict[str, Any]]:
        for key, amount in self.unit_charges().items():
            yield {**key._asdict(), "charge": amount, "booked_at": self.session.inputs.end}

    @cached_property
    def published(self) -> dict[str, list[Row]]:
        """The account's rows as published, by full name of the table."""
        mine = pc.field("account_id") == self.session.account.account_id
        found = {t.full_name: self.session.published(t, mine) for t in TABLES if t not in _OF_EPISODE}
        sides = (found, self.recomputed)
        ids = sorted(
            {row["episode_id"] for side in sides for row in side[attribution.LIQUIDATIONS.full_name]}
        )
        of_episodes = pc.field("episode_id").isin(pa.array(ids, pa.string()))
        for table in _OF_EPISODE:
            found[table.full_name] = self.session.published(table, of_episodes) if ids else []
        return found

    def compare_rows(self, table: Table, **equal: Any) -> list[RowComparison]:
        """Compares the rows, recomputed or published, whose columns have these values."""
        sides = [
            {_key(table, row): row for row in side[table.full_name] if _has(row, equal)}
            for side in (self.recomputed, self.published)
        ]
        keys = sorted(set(sides[0]) | set(sides[1]))
        return [self._row(table, sides[0].get(key), sides[1].get(key)) for key in keys]

    def compare_opened_lot(self, opened: Mapping[str, Any]) -> list[RowComparison]:
        """Compares a simulated lot that the account's replay opened with its row of the date: closed, or still open."""
        mine = pc.field("lot_id") == opened["lot_id"]
        for table in (attribution.TAKEOVERS, attribution.TAKEOVER_INVENTORY):
            for row in self.session.published(table, mine):
                return [self._row(table, opened, row, opened)]
        return [self._row(attribution.TAKEOVER_INVENTORY, opened, None)]

    def compare_draw(self, draw: Draw) -> list[RowComparison]:
        """Compares the fund's movement for a draw; a draw of zero has no movement."""
        currency = draw.event.currency
        mine = [
            r
            for r in self.losses[currency].entries
            if r["kind"] == "draw" and r["ref"] == draw.event.event_id
        ]
        published = mine[0] if mine else None
        recomputed = None
        if draw.amount:
            recomputed = {
                "currency": currency,
                "seq": 1 + (draw.after["seq"] if draw.after else 0),
                "ts": draw.ts,
                "kind": "draw",
                "amount": self.replayed.money(currency, -draw.amount),
                "balance": self.replayed.money(currency, draw.balance - draw.amount),
                "ref": draw.event.event_id,
            }
        if published is None and recomputed is None:
            return []
        return [self._row(attribution.INSURANCE_FUND_LEDGER, recomputed, published)]

    def compare_balance(self, draw: Draw) -> list[RowComparison]:
        """Compares the fund's balance before a draw with opening balance plus movements."""
        if draw.after is None:
            return []
        recomputed = {**draw.after, "balance": self.replayed.money(draw.event.currency, draw.balance)}
        return [self._row(attribution.INSURANCE_FUND_LEDGER, recomputed, draw.after, ("balance",))]

    def compare_movement(self, movement: FundMovement) -> list[RowComparison]:
        """Compares a fee or surplus in the fund's ledger. Simulated fees of one time and instrument share a ref."""
        recomputed: dict[str, Any] = movement._asdict() | {
            "amount": self.replayed.money(movement.currency, movement.amount)
        }
        names = ("ts", "kind", "ref")
        entries = self.losses[movement.currency].entries
        same = [row for row in entries if all(row[name] == recomputed[name] for name in names)]
        mine = [row for row in same if row["amount"] == recomputed["amount"]] or same
        if not mine:
            recomputed["seq"] = None
        return [
            self._row(
                attribution.INSURANCE_FUND_LEDGER, recomputed, next(iter(mine), None), (*names, "amount")
            )
        ]

    def compare_session_losses(self, losses: SessionWaterfall) -> list[RowComparison]:
        """Compares the session's totals of a currency with sums of the published events and charges."""
        totals = losses.totals
        covered = [row for row in losses.events if row["protected"]]
        charged = sum(row["charge"] for row in losses.payers)
        sums = {name: sum(row[name] for row in covered) for name in ("deficit", "fund_draw", "shortfall")}
        sums |= {
            "unprotected_deficit": sum(row["deficit"] for row in losses.events if not row["protected"]),
            "takeover_deficit": sum(row["deficit"] for row in covered if row["cause"] == CAUSE),
            "socialised": charged,
            "uncovered": sums["shortfall"] - charged,
            "method": losses.method,
            "payers": len(losses.payers),
        }
        read = {name: totals[name] for name in ("currency", "basis_total", "adl_loss")}
        columns = {*sums, "currency"}
        return [self._row(attribution.SESSION_LOSSES, read | sums, totals, columns)]

    def _row(
        self, table: Table, recomputed: Row | None, published: Row | None, only: Collection[str] = ()
    ) -> RowComparison:
        version = self.session.day.version_of(table)
        named = published or recomputed or {}
        source = Citation(
            table.full_name, version, key_of(table, {"business_date": self.session.day.day, **named})
        )
        if published is None or recomputed is None:
            problem = "not published" if published is None else "published, but not found by the reference"
            return RowComparison(source, (), problem)
        unknown = _NOT_RECOMPUTED | (_NOT_RECOMPUTED_OF_LOTS if _is_of_lot(table, published) else set())
        columns = [c for c in table.columns if c.name not in unknown and (not only or c.name in only)]
        return RowComparison(
            source,
            tuple(
                FigureComparison(
                    c.name, self.cell(c, recomputed, recomputed), self.cell(c, published, recomputed)
                )
                for c in columns
            ),
        )

    def cell(self, column: Column, row: Row, named: Row) -> Cell:
        """A column's value with its type and decimals."""
        return published_cell(column, row[column.name], self._places(column, named))

    def _places(self, column: Column, row: Row) -> int:
        """Money at its currency's scale."""
        if column.unit not in ("currency", "ledger units"):
            return 0
        currency = row.get("currency") or self._currency_of(row["episode_id"])
        return self.session.scale(currency)

    def _currency_of(self, episode_id: str) -> str:
        rows: Sequence[Row] = [
            *self.recomputed[attribution.LIQUIDATIONS.full_name],
            *self.published[attribution.LIQUIDATIONS.full_name],
        ]
        return next((r["currency"] for r in rows if r["episode_id"] == episode_id), next(iter(self.losses)))


def _is_of_lot(table: Table, row: Row) -> bool:
    return table in (attribution.TAKEOVERS, attribution.TAKEOVER_INVENTORY) or row.get("cause") == CAUSE


def published_cell(column: Column, value: Any, places: int) -> Cell:
    """A published value as a cell: decimals exact, times as in keys."""
    if value is None:
        return ""
    if column.type is Type.DECIMAL:
        return Amount(value, places)
    if column.type is Type.UNITS:
        return Amount(units_to_e18(value, places), places)
    if column.type is Type.TIME:
        return iso(value)
    return (
        str(value).lower() if column.type is Type.BOOLEAN else value if isinstance(value, int) else str(value)
    )


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple((row[k] is not None, row[k] or "") for k in table.key if k != table.partition)


def _has(row: Mapping[str, Any], equal: Mapping[str, Any]) -> bool:
    return all(row[name] == value for name, value in equal.items())
