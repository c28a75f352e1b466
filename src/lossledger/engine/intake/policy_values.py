"""Values of policy keys, from what policy.yaml has to what the rules take (inputs.md, policy.yaml)."""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from lossledger.engine.clock import DAY_US
from lossledger.engine.intake.parsing import MAX_FIELD, parse_decimal_e18, parse_text, shown
from lossledger.engine.numbers import E18
from lossledger.schemas.attribution import COMPARED_RULES, METHODS, RECONCILIATION_RULES
from lossledger.schemas.inputs import DATED

_CHOICES = {
    "trigger": ("lt", "lte"),
    "execution": ("recorded", "simulated"),
    "liquidation_fee_to": ("fund", "venue"),
    "residual": ("to_account", "to_fund"),
    "fund_draws": ("at_event", "at_session_end"),
    "fund_draw_rule": ("partial", "all_or_nothing"),
    "sharing": METHODS,
    "margin_on": ("marginal", "whole"),
    "tier_floor": ("notional", "quantity"),
    "liquidation_style": ("market", "takeover", "backstop"),
    "liquidation_until": ("flat", "recovered"),
    "liquidation_fee_cap": ("none", "equity"),
}
# Keys with a list of names, and the names that there are.
LISTS = {
    "required_datasets": tuple(d.name for d in DATED),
    "fail_on_breaks": RECONCILIATION_RULES,
    "compared_rules": COMPARED_RULES,
}
MAPS = ("fund_floor", "liquidation_partial_above")  # keys with a map of currency to amount
RATES = (
    "slippage_rate",
    "liquidation_fee_rate",
    "unwind_fee_rate",
    "profit_floor_rate",
    "quarantine_max_share",
    "dominance_share",
)
_WHOLE = {
    **dict.fromkeys(("latency_us", "liquidation_cooldown_us", "unwind_us"), "microseconds"),
    "max_mark_gap_us": "microseconds",
    "small_cell": "accounts",
}
_QUOTIENT = re.compile(r"(\d{1,40})/(\d{1,40})", re.ASCII)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


def parse_value(key: str, value: object) -> Any:
    """The value of a known key. Unparsable or ValueError, the message to be put after the key's name."""
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise ValueError(f"{value!r} is none of {', '.join(_CHOICES[key])}")
        return value
    if key in LISTS:
        return _parse_names(value, LISTS[key])
    if key in _OF_THEIR_OWN:
        return _OF_THEIR_OWN[key](value)
    number = parse_decimal_e18(value)
    if key in RATES:
        if not 0 <= number <= E18:
            raise ValueError(f"{value!r} is not between 0 and 1")
        return number
    whole, rest = divmod(number, E18)
    if rest or whole < 0:
        raise ValueError(f"{value!r} is not a whole number of {_WHOLE[key]}")
    return whole


def _parse_names(value: object, known: Sequence[str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f"{value!r} is not a list of names, such as [{known[0]}]")
    for name in value:
        if name not in known:
            raise ValueError(f"{name!r} is none of {', '.join(known)}")
        if value.count(name) > 1:
            raise ValueError(f"{name!r} stands twice")
    return tuple(value)


def _parse_session_start(value: object) -> int:
    """Microseconds after midnight."""
    match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
    if not match:
        raise ValueError(f"{value!r} is not text HH:MM; write it in quotes, like '08:00'")
    return (int(match[1]) * 60 + int(match[2])) * (DAY_US // 1440)


def _parse_amounts(value: object) -> Mapping[str, int]:
    """Currency to amount in 10^-18."""
    if not isinstance(value, dict):
        raise ValueError("expected a map of currency to amount")
    return {str(k): parse_decimal_e18(v) for k, v in value.items()}


def _parse_least_values(value: object) -> Mapping[str, int]:
    amounts = _parse_amounts(value)
    for currency, amount_e18 in amounts.items():
        if amount_e18 < 0:
            raise ValueError(f"the amount of {currency} is below 0")
    return amounts


def _parse_steps(value: object) -> tuple[int, ...]:
    """Shares of a position, in 10^-18, one a step."""
    if not isinstance(value, list) or not value:
        raise ValueError(f"{shown(value)} is not a list of shares, such as ['0.2', '1']")
    shares = tuple(parse_decimal_e18(share) for share in value)
    for share, given in zip(shares, value, strict=True):
        if not 0 < share <= E18:
            raise ValueError(f"{given!r} is not above 0 and at most 1")
    return shares


def _parse_share(value: object) -> Fraction:
    """A decimal, or a quotient of two integers as text."""
    match = _QUOTIENT.fullmatch(value) if isinstance(value, str) else None
    if match and int(match[2]):
        share = Fraction(int(match[1]), int(match[2]))
    elif isinstance(value, str) and "/" in value:
        raise ValueError(f"{shown(value)} is not a quotient of two whole numbers, such as '2/3'")
    else:
        share = Fraction(parse_decimal_e18(value), E18)
    if not 0 < share <= 1:
        raise ValueError(f"{value!r} is not above 0 and at most 1")
    return share


def _parse_account(value: object) -> str:
    account_id = parse_text(value)
    if not account_id or len(account_id) > MAX_FIELD or _CONTROL.search(account_id):
        raise ValueError(f"{shown(value)} is not an account_id")
    return account_id


_OF_THEIR_OWN: Mapping[str, Callable[[object], Any]] = {
    "session_start": _parse_session_start,
    "fund_floor": _parse_amounts,
    "liquidation_partial_above": _parse_least_values,
    "liquidation_steps": _parse_steps,
    "backstop_below": _parse_share,
    "liquidator_account": _parse_account,
}
