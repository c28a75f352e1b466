"""Which delivered rows count: parsing, and every reason for a rejection (inputs.md)."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from lossledger.engine.clock import day_of
from lossledger.engine.intake.parsing import (
    MAX_FIELD,
    Unparsable,
    parse_bool,
    parse_decimal_e18,
    parse_text,
    parse_time_us,
    shown,
)
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.versions import Versions
from lossledger.schemas.core import Dataset, Field, Type


class RawRow(NamedTuple):
    """A row as delivered; `number` counts data rows of the file from 1, `text` is the row as JSON.

    `faults` are reasons against the row as a whole; one that could not be taken apart has no values.
    """

    file: str
    number: int
    values: Mapping[str, object]
    text: str
    faults: tuple[str, ...] = ()


class Rejected(NamedTuple):
    file: str
    row_number: int
    row: str
    reasons: tuple[str, ...]


@dataclass
class Intake:
    """What came of a delivery: typed rows in the order of the dataset's fields, and what was not taken."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    origins: list[tuple[str, int, str]] = field(default_factory=list)  # file, row number, text of each row
    rejected: list[Rejected] = field(default_factory=list)
    duplicates: int = 0
    superseded: int = 0


class InstrumentVersion(NamedTuple):
    tick_size_e18: int
    lot_size_e18: int


@dataclass
class Reference:
    """What is known when rows are judged: scales, instruments and accounts with their versions.

    `liquidators`: accounts that take positions over on the fund's account.
    """

    scales: dict[str, int] = field(default_factory=dict)
    settlement: dict[str, str] = field(default_factory=dict)
    instruments: dict[str, Versions[InstrumentVersion]] = field(default_factory=dict)
    accounts: Mapping[str, int] = field(default_factory=dict)  # the first valid_from
    liquidators: frozenset[str] = frozenset()

    def instrument_at(self, instrument_id: str, ts: int) -> InstrumentVersion | None:
        versions = self.instruments.get(instrument_id)
        return versions.at(ts) if versions else None


def _parse_integer(value: object) -> int:
    whole, rest = divmod(parse_decimal_e18(value), 10**18)
    if rest:
        raise Unparsable(f"{shown(value)} is not a whole number")
    return whole


_PARSERS: dict[Type, Callable[[object], Any]] = {
    Type.TEXT: parse_text,
    Type.TIME: parse_time_us,
    Type.DECIMAL: parse_decimal_e18,
    Type.INTEGER: _parse_integer,
    Type.BOOLEAN: parse_bool,
}
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_DEFAULTS = {"isolation": "", "isolated": False}


def is_id(spec: Field) -> bool:
    """Whether a field names something; of all texts only the kind of a transfer is free."""
    return spec.type is Type.TEXT and not spec.values and spec.name != "kind"


class Judge:
    """Parses and checks the rows of one dataset."""

    def __init__(self, dataset: Dataset, reference: Reference, day: date | None = None) -> None:
        self.dataset, self.reference, self.day = dataset, reference, day
        self._fields = [(f, _PARSERS[f.type]) for f in dataset.fields]

    def decide(self, item: RawRow) -> tuple[dict[str, Any], list[str]]:
        """As `judge`, with what is wrong with the row as a whole."""
        row, reasons = ({}, []) if item.faults and not item.values else self.judge(item.values)
        return row, [*item.faults, *reasons]

    def judge(self, values: Mapping[str, object]) -> tuple[dict[str, Any], list[str]]:
        """The typed fields that could be read, and every reason against the row."""
        row: dict[str, Any] = {}
        reasons: list[str] = []
        for spec, parse in self._fields:
            value = values.get(spec.name)
            if value is None or value == "":
                if spec.required:
                    reasons.append(f"missing {spec.name}")
                else:
                    row[spec.name] = _DEFAULTS.get(spec.name)
                continue
            if isinstance(value, str) and len(value) > MAX_FIELD:
                reasons.append(f"{spec.name} is longer than {MAX_FIELD:,} characters")
                continue
            try:
                row[spec.name] = parse(value)
            except Unparsable as problem:
                reasons.append(f"unparsable {spec.name}: {problem}")
                continue
            reasons += self._value_reasons(spec, row[spec.name])
        reasons += self._row_reasons(row)
        return row, reasons

    def _value_reasons(self, spec: Field, value: Any) -> list[str]:
        if spec.values and value not in spec.values:
            return [f"unknown {spec.name} {shown(value)}: expected {', '.join(spec.values)}"]
        if is_id(spec) and _CONTROL.search(value):
            return [f"{spec.name} has a control character"]
        if spec.positive and value <= 0:
            return [f"{spec.name} <= 0"]
        if spec.name == "scale" and not 0 <= value <= 18:
            return ["scale is not between 0 and 18"]
        return []

    def _row_reasons(self, row: Mapping[str, Any]) -> list[str]:
        """What is wrong between fields, or with what they refer to."""
        reference, reasons = self.reference, []
        ts = row.get("ts")
        if ts is not None and self.day is not None and day_of(ts) != self.day:
            reasons.append("timestamp outside its folder's date")
        account_id = row.get("account_id")
        if account_id is not None and self.dataset.dated:
            known_from = reference.accounts.get(account_id)
            if known_from is None or (ts is not None and ts < known_from):
                reasons.append("unknown account")
        instrument = None
        instrument_id = row.get("instrument_id")
        if instrument_id is not None and self.dataset.name != "instruments":
            if self.dataset.dated and ts is not None:
                instrument = reference.instrument_at(instrument_id, ts)
                known = instrument is not None
            else:
                known = instrument_id in reference.settlement
            if not known:
                reasons.append("unknown instrument")
        reasons += self._currency_reasons(row)
        ordered = row.get("kind") == "normal" and account_id not in reference.liquidators
        if self.dataset.name == "fills" and instrument is not None and ordered:
            reasons += _grid_reasons(
                row, instrument
            )  # what was no order is not bound to the order book's grid, nor is what a liquidator took over
        return reasons

    def _currency_reasons(self, row: Mapping[str, Any]) -> list[str]:
        reference, name, reasons = self.reference, self.dataset.name, []
        if name == "currencies":
            return []
        if name == "fills":
            currency = reference.settlement.get(row.get("instrument_id", ""))
        else:
            currency = row.get("settlement_currency" if name == "instruments" else "currency")
            if currency is not None and currency not in reference.scales:
                reasons.append("unknown currency")
        isolation = row.get("isolation")
        if isolation:
            ts = row.get("ts")
            if isolation not in reference.settlement or (
                ts is not None and reference.instrument_at(isolation, ts) is None
            ):
                reasons.append("isolation is no instrument")
            elif currency is not None and reference.settlement[isolation] != currency:
                reasons.append("isolation settles in another currency")
        if currency in reference.scales:
            scale = reference.scales[currency]
            for spec in self.dataset.fields:
                if spec.money and spec.name in row and not _is_whole(row[spec.name], scale):
                    reasons.append(f"{spec.name} finer than a ledger unit ({currency}, scale {scale})")
        return reasons


def _is_whole(amount_e18: int, scale: int) -> bool:
    try:
        e18_to_units(amount_e18, scale)
    except ValueError:
        return False
    return True


def _grid_reasons(row: Mapping[str, Any], instrument: InstrumentVersion) -> list[str]:
    reasons = []
    if row.get("price", 0) > 0 and row["price"] % instrument.tick_size_e18:
        reasons.append("price off the tick size")
    if row.get("quantity", 0) > 0 and row["quantity"] % instrument.lot_size_e18:
        reasons.append("quantity off the lot size")
    return reasons


def take_in(dataset: Dataset, raw: Iterable[RawRow], reference: Reference, day: date | None = None) -> Intake:
    """Judge the rows of a file. Keys are not looked at here: see `engine.intake.keys`."""
    judge, result = Judge(dataset, reference, day), Intake()
    names = [f.name for f in dataset.fields]
    for item in raw:
        row, reasons = judge.decide(item)
        if reasons:
            result.rejected.append(Rejected(item.file, item.number, item.text, tuple(reasons)))
        else:
            result.rows.append(tuple(row[name] for name in names))
            result.origins.append((item.file, item.number, item.text))
    return result


def bad_margin_tables(intake: Intake) -> dict[tuple[str, int], str]:
    """Margin tables (instrument_id, valid_from) that are rejected whole, and why."""
    tables: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for instrument_id, valid_from, floor, rate in intake.rows:
        tables.setdefault((instrument_id, valid_from), []).append((floor, rate))
    bad = {}
    for key, tiers in sorted(tables.items()):
        ordered = sorted(tiers)
        rates = [rate for _, rate in ordered]
        if ordered[0][0] != 0:
            bad[key] = "its first floor is not 0"
        elif rates != sorted(rates):
            bad[key] = "its rate falls"
    return bad
