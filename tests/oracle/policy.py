"""The effective-dated policy file."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tests.oracle.fields import DATED, OracleError, Row, date_us, parse_decimal, parse_field, parse_time

RULES = (
    "session_profit_prorata",
    "equity_prorata",
    "session_profit_floor",
    "open_interest_prorata",
    "adl_queue",
)
RECONCILIATIONS = (
    "trade_zero_sum",
    "position_zero_sum",
    "funding_zero_sum",
    "account_roll_forward",
    "fund_roll_forward",
    "waterfall",
    "components",
    "liquidation_match",
    "venue_account_balance",
    "venue_fund_balance",
    "venue_liquidation_value",
)
POLICY_DEFAULTS: Row = {
    "trigger": "lt",
    "execution": "recorded",
    "latency_us": 0,
    "slippage_rate": Fraction(0),
    "liquidation_fee_rate": Fraction(0),
    "liquidation_fee_to": "fund",
    "residual": "to_account",
    "fund_floor": {},
    "fund_draws": "at_event",
    "sharing": "session_profit_prorata",
    "session_start": "00:00",
    "profit_floor_rate": Fraction(1, 100),
    "quarantine_max_share": Fraction(1, 1000),
    "required_datasets": ["ticks"],
    "fail_on_breaks": [],
    "compared_rules": list(RULES),
    "fund_draw_rule": "partial",
    "margin_on": "marginal",
    "tier_floor": "notional",
    "liquidation_style": "market",
    "liquidation_steps": [Fraction(1)],
    "liquidation_partial_above": {},
    "liquidation_cooldown_us": 0,
    "liquidation_until": "flat",
    "liquidation_fee_cap": "none",
    "backstop_below": Fraction(2, 3),
    "liquidator_account": "liquidator",
    "unwind_us": 0,
    "unwind_fee_rate": Fraction(0),
    "max_mark_gap_us": 900_000_000,
    "correction_days": 7,
    "retention_years": 10,
    "small_cell": 5,
    "dominance_share": Fraction(15, 100),
}
POLICY_ENUMS = {
    "trigger": ("lt", "lte"),
    "execution": ("recorded", "simulated"),
    "liquidation_fee_to": ("fund", "venue"),
    "residual": ("to_account", "to_fund"),
    "fund_draws": ("at_event", "at_session_end"),
    "sharing": ("session_profit_prorata", "equity_prorata", "none"),
    "fund_draw_rule": ("partial", "all_or_nothing"),
    "margin_on": ("marginal", "whole"),
    "tier_floor": ("notional", "quantity"),
    "liquidation_style": ("market", "takeover", "backstop"),
    "liquidation_until": ("flat", "recovered"),
    "liquidation_fee_cap": ("none", "equity"),
}
WHOLE_NUMBERS = (
    "latency_us",
    "liquidation_cooldown_us",
    "unwind_us",
    "max_mark_gap_us",
    "correction_days",
    "retention_years",
    "small_cell",
)
POLICY_LISTS = {
    "required_datasets": DATED,
    "fail_on_breaks": RECONCILIATIONS,
    "compared_rules": RULES,
}


def checked(key: str, value: Any, scales: dict[str, int]) -> Any:
    """One value of the policy as its type; ValueError and its kin for what is not allowed."""
    if key not in POLICY_DEFAULTS:
        raise ValueError(value)
    if key in POLICY_ENUMS:
        if value not in POLICY_ENUMS[key]:
            raise ValueError(value)
        return value
    if key in POLICY_LISTS:
        if not isinstance(value, list) or any(each not in POLICY_LISTS[key] for each in value):
            raise ValueError(value)
        return value
    if key in WHOLE_NUMBERS:
        return parse_field("int", value)
    if key in ("fund_floor", "liquidation_partial_above"):
        return amounts_of(key, value, scales)
    if key in OTHERS:
        return OTHERS[key](value)
    rate = parse_decimal(value)
    if not 0 <= rate <= 1:
        raise ValueError(value)
    return rate


def quotient(value: Any) -> Fraction:
    """A decimal, or a quotient of two integers as text."""
    if isinstance(value, str) and re.fullmatch(r"\d+/0*[1-9]\d*", value):
        return Fraction(value)
    return parse_decimal(value)


def share(value: Fraction) -> Fraction:
    """A share in (0, 1]."""
    if not 0 < value <= 1:
        raise ValueError(value)
    return value


def shares(value: Any) -> list[Fraction]:
    """At least one share."""
    if not isinstance(value, list) or not value:
        raise ValueError(value)
    return [share(parse_decimal(each)) for each in value]


def amounts_of(key: str, value: Any, scales: dict[str, int]) -> dict[str, Fraction]:
    """Amounts by known currency, none finer than a ledger unit; only a floor of the fund may be negative."""
    amounts = {currency: parse_decimal(amount) for currency, amount in value.items()}
    for currency, amount in amounts.items():
        if (amount * 10 ** scales[currency]).denominator != 1 or (key != "fund_floor" and amount < 0):
            raise ValueError(value)
    return amounts


def time_of_day(value: Any) -> str:
    """HH:MM as text."""
    if not isinstance(value, str) or not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError(value)
    return value


def name(value: Any) -> str:
    """Text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(value)
    return value


OTHERS: dict[str, Callable[[Any], Any]] = {
    "session_start": time_of_day,
    "liquidator_account": name,
    "liquidation_steps": shares,
    "backstop_below": lambda value: share(quotient(value)),
}


class Policy:
    """The effective-dated policy; scenario overrides hold at all times."""

    def __init__(self, entries: list[Row], override: Row, scales: dict[str, int]) -> None:
        self.entries = sorted(
            (
                (parse_time(e["valid_from"]), {k: v for k, v in e.items() if k != "valid_from"})
                for e in entries
            ),
            key=lambda pair: pair[0],
        )
        self.override = override
        for values in [e for _, e in self.entries] + [override]:
            for key, value in list(values.items()):
                try:
                    values[key] = checked(key, value, scales)
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise OracleError(2, f"policy: {key}: {value!r} is not allowed") from error
        for t in self.times():
            if self.at(t, "tier_floor") == "quantity" and self.at(t, "margin_on") != "whole":
                raise OracleError(2, "policy: tier_floor quantity needs margin_on whole")

    def times(self) -> list[int]:
        """Instants at which the policy may change; 0 comes before all of them."""
        return [0, *(since for since, _ in self.entries)]

    def check_liquidators(self, account_types: dict[str, str]) -> None:
        """Refuses a client or house account as the liquidator of an entry that names one or takes over."""
        for t, entry in [*self.entries, *((t, self.override) for t in self.times())]:
            takes_over = entry.get("liquidation_style") in ("takeover", "backstop")
            name = self.at(t, "liquidator_account")
            if ("liquidator_account" in entry or takes_over) and account_types.get(name) in (
                "client",
                "house",
            ):
                raise OracleError(2, f"policy: liquidator_account {name} is a {account_types[name]} account")

    def at(self, t: int, key: str) -> Any:
        """The value of one key at t (microseconds)."""
        if key in self.override:
            return self.override[key]
        value = POLICY_DEFAULTS[key]
        for since, entry in self.entries:
            if since <= t and key in entry:
                value = entry[key]
        return value

    def session_start_us(self, day: dt.date) -> int:
        """S of a date: its 00:00 plus the session_start effective then."""
        midnight = date_us(day)
        hours, minutes = self.at(midnight, "session_start").split(":")
        return midnight + (int(hours) * 60 + int(minutes)) * 60_000_000


class PlainLoader(yaml.SafeLoader):
    """YAML without binary floats (a number with a point stays an exact decimal) and without double keys."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping in which every key stands once."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise OracleError(2, f"policy: {key} stands twice{node.start_mark}")
        return super().construct_mapping(node, deep)


PlainLoader.add_constructor("tag:yaml.org,2002:float", lambda loader, node: parse_decimal(node.value))


def read_policy(path: Path, override: Row, scales: dict[str, int]) -> Policy:
    """The policy of a file (the defaults if there is none)."""
    entries = yaml.load(path.read_text(), Loader=PlainLoader) if path.exists() else []
    return Policy([dict(e) for e in entries or []], dict(override), scales)
