"""The landing zone as accepted rows: every bad-input rule, versions, quarantine."""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.oracle.fields import (
    DAY_US,
    IDS,
    MONEY,
    POSITIVE,
    SCHEMAS,
    OracleError,
    Row,
    date_us,
    parse_field,
)
from tests.oracle.policy import Policy
from tests.oracle.reading import files_of, read_file

# Of several states of one time the last holds, equal or not to one before it.
STATES = ("ticks", "venue_account_balances", "venue_fund_balances")


class Versions:
    """Rows with a valid_from: `at(key, t)` is the one with the largest valid_from <= t, or None."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)

    def add(self, key: str, row: Row) -> None:
        """Takes a row; call in any order."""
        self.rows[key].append(row)
        self.rows[key].sort(key=lambda r: r["valid_from"])

    def at(self, key: str, t: int) -> Row | None:
        """The version effective at t (microseconds)."""
        found = None
        for row in self.rows.get(key, ()):
            if row["valid_from"] <= t:
                found = row
        return found


def off(value: Fraction | None, step: Fraction) -> bool:
    """Whether a value is there and no multiple of the step."""
    return value is not None and (value / step).denominator != 1


def typed(dataset: str, delivered: Row) -> tuple[Row, list[str]]:
    """The values of a row as their types (None where there is none), and what is wrong with them."""
    row: Row = {}
    reasons: list[str] = []
    for name, kind in SCHEMAS[dataset][0].items():
        value = delivered.get(name)
        row[name] = None
        if value is None or value == "":
            reasons += [] if kind.endswith("?") else [f"missing {name}"]
            continue
        try:
            row[name] = parse_field(kind.rstrip("?"), value)
        except KeyError:
            reasons.append(f"unknown value of {name}")
        except (ValueError, ArithmeticError):
            reasons.append(f"unparsable {name}")
    for name in POSITIVE.get(dataset, ()):
        if row[name] is not None and row[name] <= 0:
            reasons.append(f"{name} <= 0")
    for name in IDS:
        if any(unicodedata.category(c) == "Cc" for c in row.get(name) or ""):
            reasons.append(f"control character in {name}")
    return row, reasons


class Landing:
    """Everything accepted up to a folder date, and everything rejected."""

    def __init__(self, root: Path, first: dt.date) -> None:
        self.root = root
        self.first = first
        self.quarantine: list[Row] = []
        self.rejected: list[Row] = []  # as far as their values can be read
        self.duplicates = 0
        self.superseded = 0
        self.counts: dict[tuple[str, dt.date], int] = defaultdict(int)
        self.currencies: dict[str, int] = {}
        self.instruments = Versions()
        self.accounts = Versions()
        self.tiers: dict[str, dict[int, list[tuple[Fraction, Fraction]]]] = defaultdict(dict)
        self._load_reference()

    def _reject(self, row: Row, reasons: list[str]) -> None:
        self.rejected.append(row)
        self.quarantine.append({**row["_at"], "reasons": reasons})

    def _parsed(self, dataset: str, path: Path, folder: dt.date | None) -> Iterator[Row]:
        """Rows of a file with their reasons under `_reasons` and their place under `_at`."""
        kinds, _ = SCHEMAS[dataset]
        present, lines = read_file(path)
        missing = {name for name, kind in kinds.items() if not kind.endswith("?")} - present
        # Neither a file without a line nor a line that cannot be read says anything about columns.
        if missing and (present or any(not line.faults for line in lines)):
            raise OracleError(3, f"{path}: required columns are missing: {sorted(missing)}")
        name = path.relative_to(self.root).as_posix()
        for number, (delivered, faults) in enumerate(lines, 1):
            self.counts[dataset, folder or self.first] += 1
            place = {
                "business_date": folder or self.first,
                "dataset": dataset,
                "file": name,
                "row_number": number,
            }
            values, reasons = typed(dataset, delivered)
            yield {**values, "_reasons": faults + reasons, "_at": place}

    def _accepted(
        self, dataset: str, path_rows: Iterator[Row], check: Callable[[Row], list[str]]
    ) -> list[Row]:
        """Rows without a reason, each key once; the others go to quarantine or are counted."""
        _, key = SCHEMAS[dataset]
        kept: dict[tuple[Any, ...], Row] = {}
        for row in path_rows:
            reasons = row["_reasons"] + check(row)
            identity = tuple(row[k] for k in key)
            if reasons:
                self._reject(row, reasons)
            elif dataset in STATES:
                self.superseded += identity in kept
                kept[identity] = row
            elif identity not in kept:
                kept[identity] = row
            elif all(kept[identity][c] == row[c] for c in SCHEMAS[dataset][0]):
                self.duplicates += 1
            else:
                self._reject(row, ["conflict with a known key"])
        return list(kept.values())

    def _reference(self, dataset: str, check: Callable[[Row], list[str]]) -> list[Row]:
        rows = (r for p in files_of(self.root / dataset) for r in self._parsed(dataset, p, None))
        return self._accepted(dataset, rows, check)

    def _load_reference(self) -> None:
        for row in self._reference("currencies", lambda row: []):
            self.currencies[row["currency"]] = row["scale"]
        frozen = ("kind", "base_currency", "quote_currency", "settlement_currency", "multiplier")
        rows = self._reference("instruments", lambda row: self._known_currency(row["settlement_currency"]))
        self._add_versions(rows, self.instruments, "instrument_id", frozen)
        self._add_versions(
            self._reference("accounts", lambda row: []), self.accounts, "account_id", ("account_type",)
        )
        tiers = self._reference(
            "margin_tiers",
            lambda row: (
                []
                if row["instrument_id"] in self.instruments.rows or row["instrument_id"] is None
                else ["unknown instrument"]
            ),
        )
        for row in sorted(tiers, key=lambda r: r["notional_floor"]):
            table = self.tiers[row["instrument_id"]].setdefault(row["valid_from"], [])
            table.append((row["notional_floor"], row["maintenance_rate"]))
        for instrument, tables in self.tiers.items():
            for table in tables.values():
                rates = [rate for _, rate in table]
                if table[0][0] != 0 or rates != sorted(rates):
                    raise OracleError(
                        3, f"margin table of {instrument} rejected: first floor not 0 or a rate falls"
                    )

        # Reference data are never let through with a row missing.
        if self.quarantine:
            raise OracleError(3, f"reference data: {self.quarantine[0]}")

    def _add_versions(self, rows: list[Row], into: Versions, key: str, frozen: tuple[str, ...]) -> None:
        for row in sorted(rows, key=lambda r: r["valid_from"]):
            known = into.rows.get(row[key])
            if known and any(known[0][c] != row[c] for c in frozen):
                self._reject(row, ["a later version changes what may not change"])
            else:
                into.add(row[key], row)

    def _known_currency(self, currency: str | None) -> list[str]:
        return [] if currency is None or currency in self.currencies else ["unknown currency"]

    def account_type(self, account: str) -> str:
        """The type of a known account (no version can change it)."""
        return str(self.accounts.rows[account][0]["account_type"])

    def is_liquidator(self, account: str | None) -> bool:
        """Whether there is such an account and it takes positions over."""
        return account in self.accounts.rows and self.account_type(account) == "liquidator"

    def _check_event(self, dataset: str, row: Row, folder: dt.date) -> list[str]:
        reasons: list[str] = []
        t: int | None = row["ts"]
        if t is not None and not date_us(folder) <= t < date_us(folder) + DAY_US:
            reasons.append("timestamp outside its folder's date")
        currency = row.get("currency")
        instrument = None
        if row.get("instrument_id") is not None and t is not None:
            instrument = self.instruments.at(row["instrument_id"], t)
            if instrument is None:
                reasons.append("unknown instrument")
            else:
                currency = instrument["settlement_currency"]
        if (
            row.get("account_id") is not None
            and t is not None
            and self.accounts.at(row["account_id"], t) is None
        ):
            reasons.append("unknown account")
        reasons += self._known_currency(currency)
        if row.get("isolation") is not None and t is not None:
            isolated = self.instruments.at(row["isolation"], t)
            if isolated is None or isolated["settlement_currency"] != row["currency"]:
                reasons.append("isolation is no instrument of that currency")
        if currency in self.currencies:
            unit = Fraction(1, 10 ** self.currencies[currency])
            reasons += [
                f"{name} is finer than a ledger unit"
                for name in MONEY.get(dataset, ())
                if off(row[name], unit)
            ]
        bound = dataset == "fills" and row["kind"] == "normal" and not self.is_liquidator(row["account_id"])
        if bound and instrument is not None:
            reasons += ["price off the tick size"] if off(row["price"], instrument["tick_size"]) else []
            reasons += ["quantity off the lot size"] if off(row["quantity"], instrument["lot_size"]) else []
        return reasons

    def folders(self, dataset: str) -> dict[dt.date, Path]:
        """The folders of a dated dataset by their date, in order."""
        base = self.root / dataset
        names = sorted(p.name for p in base.iterdir() if p.name.startswith("date=")) if base.is_dir() else []
        return {dt.date.fromisoformat(name[5:]): base / name for name in names}

    def events(self, dataset: str, last_folder: dt.date) -> list[Row]:
        """Accepted rows of a dated dataset from the folders up to a date."""

        def delivered() -> Iterator[Row]:
            for day, folder in self.folders(dataset).items():
                if day <= last_folder:
                    for path in files_of(folder):
                        for row in self._parsed(dataset, path, day):
                            row["_folder"] = day
                            yield row

        return self._accepted(
            dataset, delivered(), lambda row: self._check_event(dataset, row, row["_folder"])
        )

    def check_required(self, session: tuple[dt.date | None, dt.date], datasets: list[str]) -> None:
        """Fails if a dataset has no file in any folder of a session (its first and last folder date)."""
        first, last = session
        for dataset in datasets:
            folders = [p for d, p in self.folders(dataset).items() if (not first or first <= d) and d <= last]
            if not any(files_of(folder) for folder in folders):
                raise OracleError(3, f"{dataset}: no file for the session in folders {first} to {last}")

    def check_shares(self, policy: Policy) -> None:
        """Fails if a dataset and day has more rejected rows than the policy effective at its 00:00 allows."""
        rejected: dict[tuple[str, dt.date], int] = defaultdict(int)
        for row in self.quarantine:
            rejected[row["dataset"], row["business_date"]] += 1
        for (dataset, day), number in sorted(rejected.items()):
            share = Fraction(number, self.counts[dataset, day])
            if share > policy.at(date_us(day), "quarantine_max_share"):
                raise OracleError(
                    3, f"{dataset} {day}: {number} rows quarantined, more than the policy's share"
                )
