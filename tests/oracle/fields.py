"""Columns and spellings: how one delivered value becomes a typed one."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from fractions import Fraction
from typing import Any

Row = dict[str, Any]
DAY_US = 86_400_000_000


class OracleError(Exception):
    """Input that must be refused; `code` is the exit code that the command line would give (2 or 3)."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


# column -> kind; a trailing '?' = optional or nullable, a kind in braces is an enum.
SCHEMAS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "currencies": ({"currency": "text", "scale": "int"}, ("currency",)),
    "instruments": (
        {
            "instrument_id": "text",
            "kind": "{linear,inverse,quanto}",
            "base_currency": "text",
            "quote_currency": "text",
            "settlement_currency": "text",
            "multiplier": "decimal",
            "tick_size": "decimal",
            "lot_size": "decimal",
            "valid_from": "time",
        },
        ("instrument_id", "valid_from"),
    ),
    "margin_tiers": (
        {
            "instrument_id": "text",
            "valid_from": "time",
            "notional_floor": "decimal",
            "maintenance_rate": "decimal",
        },
        ("instrument_id", "valid_from", "notional_floor"),
    ),
    "accounts": (
        {
            "account_id": "text",
            "account_type": "{client,house,liquidator}",
            "client_class": "{retail,professional,institutional}",
            "negative_balance_protected": "bool",
            "valid_from": "time",
        },
        ("account_id", "valid_from"),
    ),
    "transfers": (
        {
            "transfer_id": "text",
            "ts": "time",
            "account_id": "text",
            "currency": "text",
            "isolation": "text?",
            "amount": "decimal",
            "kind": "text",
        },
        ("transfer_id",),
    ),
    "fills": (
        {
            "fill_id": "text",
            "trade_id": "text",
            "ts": "time",
            "account_id": "text",
            "instrument_id": "text",
            "isolated": "bool?",
            "side": "{buy,sell}",
            "price": "decimal",
            "quantity": "decimal",
            "fee": "decimal",
            "kind": "{normal,liquidation,adl,settlement}",
        },
        ("fill_id",),
    ),
    "ticks": (
        {
            "ts": "time",
            "instrument_id": "text",
            "mark_price": "decimal",
            "index_price": "decimal?",
            "bid": "decimal?",
            "ask": "decimal?",
        },
        ("instrument_id", "ts"),
    ),
    "funding": (
        {"ts": "time", "instrument_id": "text", "rate": "decimal", "price": "decimal"},
        ("instrument_id", "ts"),
    ),
    "fund_movements": (
        {
            "movement_id": "text",
            "ts": "time",
            "currency": "text",
            "amount": "decimal",
            "kind": "{opening,injection,withdrawal,other}",
        },
        ("movement_id",),
    ),
    "venue_account_balances": (
        {"ts": "time", "account_id": "text", "currency": "text", "wallet_balance": "decimal"},
        ("account_id", "currency", "ts"),
    ),
    "venue_fund_balances": ({"ts": "time", "currency": "text", "balance": "decimal"}, ("currency", "ts")),
    "venue_liquidations": (
        {
            "ts": "time",
            "account_id": "text",
            "currency": "text",
            "notional": "decimal",
            "account_value": "decimal",
        },
        ("account_id", "currency", "ts"),
    ),
}
REFERENCE = ("currencies", "instruments", "margin_tiers", "accounts")
DATED = tuple(name for name in SCHEMAS if name not in REFERENCE)
POSITIVE = {
    "instruments": ("multiplier", "tick_size", "lot_size"),
    "fills": ("price", "quantity"),
    "ticks": ("mark_price", "index_price", "bid", "ask"),
    "funding": ("price",),
}
MONEY = {
    "transfers": ("amount",),
    "fills": ("fee",),
    "fund_movements": ("amount",),
    "venue_account_balances": ("wallet_balance",),
    "venue_fund_balances": ("balance",),
    "venue_liquidations": ("notional", "account_value"),
}
IDS = (
    "account_id",
    "currency",
    "fill_id",
    "instrument_id",
    "isolation",
    "movement_id",
    "settlement_currency",
    "trade_id",
    "transfer_id",
)
LONGEST_FIELD = 4096  # characters
DECIMAL_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?")
TIME_TEXT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:Z|\+00:00)")


def parse_decimal(value: Any) -> Fraction:
    """An exact decimal from text, a DECIMAL or an integer; ValueError for anything else."""
    if isinstance(value, bool | float):
        raise ValueError(value)
    if isinstance(value, int | Fraction):
        return Fraction(value)
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(value)
        return Fraction(value)
    if isinstance(value, str) and DECIMAL_TEXT.fullmatch(value):
        return Fraction(Decimal(value))
    raise ValueError(value)


def date_us(day: dt.date) -> int:
    """00:00 UTC of a date in microseconds since the epoch."""
    return (day - dt.date(1970, 1, 1)).days * DAY_US


def micros(number: int) -> int:
    """An integer below 10^14 or above 10^17 is no time."""
    if number < 10**14 or number > 10**17:
        raise ValueError(number)
    return number


def parse_time(value: Any) -> int:
    """Microseconds since the epoch; ValueError if it is no time."""
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            value = value.replace(tzinfo=dt.UTC)
        since: dt.timedelta = value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
        return since // dt.timedelta(microseconds=1)
    if isinstance(value, dt.date):
        return date_us(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return micros(value)
    if not isinstance(value, str):
        raise ValueError(value)
    if re.fullmatch(r"-?\d+", value):
        return micros(int(value))
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return date_us(dt.date.fromisoformat(value))
    match = TIME_TEXT.fullmatch(value)
    if not match:
        raise ValueError(value)
    day, hour, minute, second, fraction = match.groups()
    if int(hour) > 23 or int(minute) > 59 or int(second) > 59:
        raise ValueError(value)
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    return date_us(dt.date.fromisoformat(day)) + seconds * 1_000_000 + int((fraction or "").ljust(6, "0"))


def parse_field(kind: str, value: Any) -> Any:
    """One delivered value as its type; ValueError if it cannot be read as that."""
    if kind == "text":
        if not isinstance(value, str):
            raise ValueError(value)
        return value
    if kind == "decimal":
        return parse_decimal(value)
    if kind == "int":
        number = parse_decimal(value)
        if number.denominator != 1 or number < 0:
            raise ValueError(value)
        return int(number)
    if kind == "time":
        return parse_time(value)
    if kind == "bool":
        if value in (True, "true"):
            return True
        if value in (False, "false"):
            return False
        raise ValueError(value)
    if value not in kind[1:-1].split(","):
        raise KeyError(value)
    return value
