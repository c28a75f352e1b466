"""The policy in words of policy.yaml: what was in force in a session, key by key."""

from typing import Any

from engine.clock import DAY_US
from engine.figures import exact
from engine.intake.policy import KEYS, RATES, Policy, Terms


def policy_rows(policy: Policy, start: int, end: int) -> list[dict[str, Any]]:
    """Key, value and since when (microseconds): all keys at the session's start, and those that changed in it."""
    terms = policy.at(start)
    rows = [_row(terms, key, start) for key in KEYS]
    for since, later in policy.items():
        if start < since < end:
            rows += [_row(later, key, since) for key in KEYS if getattr(later, key) != getattr(terms, key)]
            terms = later
    return rows


def _row(terms: Terms, key: str, since: int) -> dict[str, Any]:
    return {"key": key, "value": key_text(key, getattr(terms, key)), "valid_from": since}


def key_text(key: str, value: Any) -> str:
    """As policy.yaml would have it: rates and amounts exact, lists and maps in one line."""
    if key == "session_start":
        minutes = value // (DAY_US // 1440)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    if key == "fund_floor":
        return "{" + ", ".join(f"{name}: {_plain(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    return _plain(value) if key in RATES else str(value)


def _plain(value_e18: int) -> str:
    return exact(value_e18).replace(",", "")
