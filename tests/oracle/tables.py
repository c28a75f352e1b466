"""How rows are written down: exact decimals and UTC times as text, one list of rows a table."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.oracle.fields import Row
from tests.oracle.replay import Replay, moment

TABLES = """
liquidations liquidation_positions loss_components negative_balances insurance_fund_ledger insurance_fund_daily
session_losses socialised_losses adl_losses account_daily positions_daily receivables_daily protection_daily
takeovers takeover_inventory reconciliation rule_comparison rule_totals quarantine
"""


def number(value: Fraction | int) -> str:
    """An exact decimal as plain text."""
    value = Fraction(value)
    digits = 0
    while 10**digits % value.denominator:
        digits += 1
    whole = str(abs(value.numerator) * (10**digits // value.denominator)).rjust(digits + 1, "0")
    text = whole[: len(whole) - digits] + ("." + whole[len(whole) - digits :] if digits else "")
    return "-" + text if value < 0 else text


def in_key(t: int) -> str:
    """A time as the keys of `reconciliation` spell it."""
    return moment(t).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Writer(Replay):
    """A replay with tables to write into."""

    def __init__(
        self, root: Path, first: dt.date, last: dt.date, policy: Path | None, scenario: Row | None
    ) -> None:
        super().__init__(root, first, last, policy, scenario)
        self.tables: dict[str, list[dict[str, str]]] = {name: [] for name in TABLES.split()}

    def recon(
        self,
        rule: str,
        key: str,
        expected: Fraction | int,
        actual: Fraction | int | None,
        independent: bool,
        tolerance: Fraction | int = 0,
    ) -> None:
        """A row of `reconciliation`."""
        self.tables["reconciliation"].append(
            {
                "business_date": self.session.day.isoformat(),
                "rule": rule,
                "key": key,
                "expected": number(expected),
                "actual": "" if actual is None else number(actual),
                "break": "" if actual is None else number(actual - expected),
                "tolerance": number(tolerance),
                "independent": "true" if independent else "false",
            }
        )

    def row(self, table: str, money_in: str, **columns: Any) -> None:
        """A row of a table; integers are ledger units of the currency, Fractions are units already."""
        out = {"business_date": self.session.day.isoformat()}
        for name, value in columns.items():
            if value is None:
                out[name] = ""
            elif isinstance(value, bool):
                out[name] = "true" if value else "false"
            elif isinstance(value, int):
                out[name] = number(Fraction(value, self.book.scale(money_in)))
            elif isinstance(value, Fraction):
                out[name] = number(value)
            else:
                out[name] = str(value)
        self.tables[table].append(out)
