"""The policy in words of policy.yaml: what was in force in a session, key by key."""

from collections.abc import Iterable
from typing import Any

from lossledger.engine.clock import DAY_US, iso
from lossledger.engine.figures import plain
from lossledger.engine.intake.policy import KEYS, Policy, Terms, parse_policy
from lossledger.engine.intake.policy_values import LISTS, MAPS, RATES


def policy_rows(policy: Policy, start: int, end: int) -> list[dict[str, Any]]:
    """Key, value and since when (microseconds): all keys at the session's start, and those that changed in it."""
    terms = policy.at(start)
    rows = [_row(terms, key, start) for key in KEYS]
    for since, later in policy.items():
        if start < since < end:
            rows += [_row(later, key, since) for key in KEYS if getattr(later, key) != getattr(terms, key)]
            terms = later
    return rows


def policy_of(rows: Iterable[tuple[int, str, str]]) -> Policy:
    """The policy again from its rows of a session: valid_from in microseconds, key and value of each."""
    entries: dict[int, dict[str, Any]] = {}
    for since, key, value in sorted(rows):
        entries.setdefault(since, {"valid_from": iso(since)})[key] = _value_of(key, value)
    return parse_policy(list(entries.values()))


def _value_of(key: str, text: str) -> Any:
    """As a policy file has it once it is read."""
    if key in MAPS:
        return dict(entry.split(": ") for entry in _entries(text))
    return _entries(text) if key in LISTS or key == "liquidation_steps" else text


def _entries(text: str) -> list[str]:
    return text[1:-1].split(", ") if len(text) > 2 else []


def _row(terms: Terms, key: str, since: int) -> dict[str, Any]:
    return {"key": key, "value": key_text(key, getattr(terms, key)), "valid_from": since}


def key_text(key: str, value: Any) -> str:
    """As policy.yaml would have it: rates and amounts exact, lists and maps in one line."""
    if key == "session_start":
        minutes = value // (DAY_US // 1440)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    if key in MAPS:
        return "{" + ", ".join(f"{name}: {plain(value[name])}" for name in sorted(value)) + "}"
    if key == "liquidation_steps":
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, tuple):
        return "[" + ", ".join(value) + "]"
    return plain(value) if key in RATES else str(value)
