"""A replayed session, and how it is told in published tables: what all of `engine/tables` starts from.

Rows are dictionaries with the columns of `schemas.attribution`; decimals are integers of 10^-18.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, get_type_hints

from lossledger.engine.events import Account
from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import Ledger, units_to_e18
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.fund import Waterfall

Row = dict[str, Any]
Tables = dict[str, list[Row]]


@cache
def ledger_fields(kind: type) -> tuple[str, ...]:
    """The fields of a row that are amounts in ledger units."""
    return tuple(name for name, hint in get_type_hints(kind).items() if hint is Ledger)


@dataclass(frozen=True)
class Replayed:
    """A session [start, end): all that was replayed in it, and what the fund paid."""

    day: date
    start: int
    end: int
    policy: Policy
    scales: Mapping[str, int]
    accounts: Mapping[str, Account]
    rows: SessionRows
    waterfall: Waterfall

    def money(self, currency: str, amount: int) -> int:
        """An amount in ledger units as it is published, in 10^-18."""
        return units_to_e18(amount, self.scales[currency])

    def row(self, row: Any) -> Row:
        """A row with a currency, each amount in ledger units (its type says which) as it is published."""
        published: Row = row._asdict()
        return published | self.amounts(row, *ledger_fields(row.__class__))

    def amounts(self, row: Any, *names: str) -> Row:
        """These fields of a row with a currency, in ledger units there, as they are published."""
        return {name: self.money(row.currency, getattr(row, name)) for name in names}

    @property
    def terms(self) -> Terms:
        """What is in force just before the end, and with that for the session as a whole (section 11)."""
        return self.policy.at(self.end - 1)

    def account(self, account_id: str) -> Row:
        """The type and class of an account just before the end."""
        account = self.accounts[account_id]
        client_class = account.at(self.end - 1).client_class
        return {"account_type": account.account_type, "client_class": client_class}

    def shortfall(self, event_id: str, deficit: int) -> int:
        """What the fund could not pay of a covered deficit, in ledger units."""
        return deficit - self.waterfall.draws[event_id]
