"""Input of every section: the published rows, the request, and amounts with their currency's decimals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from lossledger.engine.intake.parsing import parse_decimal_e18
from lossledger.readers.document.values import Amount, Cell, Missing
from lossledger.readers.published_rows import PublishedRows, Row, rows_where
from lossledger.readers.report.report_request import ReportRequest
from lossledger.schemas import attribution
from lossledger.schemas.ops import POLICIES

# Where no policy is published with the dates, or one from before there was the key (inputs.md).
SMALL_CELL = 5
DOMINANCE_SHARE = "0.15"


@dataclass
class Facts:
    """`missing`: dates of the range that are not published, where that is allowed."""

    rows: PublishedRows
    request: ReportRequest
    missing: tuple[date, ...] = ()
    policies: Mapping[date, Mapping[str, str]] = field(default_factory=dict)

    def amount(self, e18: int, currency: str) -> Amount:
        return Amount(e18, self.rows.scales()[currency], currency)

    def mean(self, total_e18: int, count: int, currency: str) -> int:
        """Cut off at the ledger unit."""
        unit = 10 ** (18 - self.rows.scales()[currency])
        return total_e18 // (count * unit) * unit

    def optional(self, e18: int | None, currency: str, reason: str) -> Cell:
        return Missing(reason) if e18 is None else self.amount(e18, currency)

    @property
    def currencies(self) -> list[str]:
        return self.rows.currencies()

    @property
    def days(self) -> list[date]:
        return [day.day for day in self.rows.days]

    @property
    def small_cell(self) -> int:
        """The strictest of the dates."""
        return max([int(p.get("small_cell", SMALL_CELL)) for p in self.policies.values()], default=SMALL_CELL)

    @property
    def dominance_share(self) -> int:
        """In 10^-18; the strictest of the dates."""
        shares = [p.get("dominance_share", DOMINANCE_SHARE) for p in self.policies.values()]
        return max(map(parse_decimal_e18, shares or [DOMINANCE_SHARE]))

    def same(self, day: date, currency: str) -> dict[str, Any]:
        return {"business_date": day, "currency": currency}

    @cached_property
    def events_by_client(self) -> list[Row]:
        """Negative balances; one of a lot counts for the client that it was taken from, where that is known."""
        events = self.rows.rows(attribution.NEGATIVE_BALANCES)
        closings = self.rows.rows(attribution.TAKEOVERS)
        if not closings:
            return events
        clients = {row["event_id"]: row["from_account_id"] for row in closings}
        return [{**row, "account_id": clients.get(row["event_id"]) or row["account_id"]} for row in events]

    def house(self) -> set[str]:
        """Accounts of the venue itself: market makers, its liquidation engine, its treasury."""
        return {
            row["account_id"]
            for row in self.rows.rows(attribution.ACCOUNT_DAILY)
            if row["account_type"] == "house"
        }

    def sessions(self) -> list[tuple[date, str, Mapping[str, Any]]]:
        """Date, currency and the row of session_losses, for every currency in which anything happened."""
        losses = self.rows.rows(attribution.SESSION_LOSSES)
        return [
            (day, currency, row)
            for day in self.days
            for currency in self.currencies
            for row in rows_where(losses, **self.same(day, currency))
        ]


def read_policies(rows: PublishedRows) -> dict[date, dict[str, str]]:
    """The policy in force just before the end of each session, key to its text; no date that has none stored."""
    found: dict[date, dict[str, str]] = {}
    for row in sorted(
        rows.rows(POLICIES), key=lambda row: (row["business_date"], row["valid_from"], row["key"])
    ):
        found.setdefault(row["business_date"], {})[row["key"]] = row["value"]
    return found
