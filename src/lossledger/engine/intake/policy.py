"""The effective-dated policy: every rule that a venue may choose (inputs.md, policy.yaml)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from typing import Any

from lossledger.engine.clock import DAY_US, NEVER, day_start_us
from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.parsing import Unparsable, parse_decimal_e18, parse_time_us
from lossledger.engine.numbers import e18_to_units
from lossledger.engine.versions import Versions
from lossledger.schemas.attribution import COMPARED_RULES, METHODS, RECONCILIATION_RULES
from lossledger.schemas.inputs import DATED

_CHOICES = {
    "trigger": ("lt", "lte"),
    "execution": ("recorded", "simulated"),
    "liquidation_fee_to": ("fund", "venue"),
    "residual": ("to_account", "to_fund"),
    "fund_draws": ("at_event", "at_session_end"),
    "sharing": METHODS,
}
# Keys with a list of names, and the names that there are.
LISTS = {
    "required_datasets": tuple(d.name for d in DATED),
    "fail_on_breaks": RECONCILIATION_RULES,
    "compared_rules": COMPARED_RULES,
}
_WHOLE = {"latency_us": "microseconds", "max_mark_gap_us": "microseconds", "small_cell": "accounts"}
RATES = (
    "slippage_rate",
    "liquidation_fee_rate",
    "profit_floor_rate",
    "quarantine_max_share",
    "dominance_share",
)
# Keys of the contract for which there are no rules yet.
NOT_YET = (
    *("margin_on", "tier_floor", "liquidation_style", "liquidation_steps", "liquidation_partial_above"),
    *("liquidation_cooldown_us", "liquidation_until", "liquidation_fee_cap", "backstop_below"),
    *("liquidator_account", "unwind_us", "unwind_fee_rate", "fund_draw_rule"),
    *("correction_days", "retention_years"),
)


@dataclass(frozen=True)
class Terms:
    """The policy in force at one time. Rates are in 10^-18, `fund_floor` is currency to amount in 10^-18.

    `small_cell`: in a report for the public, a count of accounts below it is not told. `dominance_share`: nor is an
    amount of which the parts beside the two largest are less than this share of the largest. `max_mark_gap_us`: a
    longer time without a mark, while a client holds the instrument, is a warning.
    """

    trigger: str = "lt"
    execution: str = "recorded"
    latency_us: int = 0
    slippage_rate: int = 0
    liquidation_fee_rate: int = 0
    liquidation_fee_to: str = "fund"
    residual: str = "to_account"
    fund_floor: Mapping[str, int] = field(default_factory=dict)
    fund_draws: str = "at_event"
    sharing: str = "session_profit_prorata"
    session_start: int = 0  # microseconds after 00:00 UTC
    profit_floor_rate: int = 10**16
    quarantine_max_share: int = 10**15
    required_datasets: tuple[str, ...] = ("ticks",)
    fail_on_breaks: tuple[str, ...] = ()
    compared_rules: tuple[str, ...] = COMPARED_RULES
    max_mark_gap_us: int = 900_000_000
    small_cell: int = 5
    dominance_share: int = 15 * 10**16


_DEFAULTS = Terms()
KEYS = tuple(f.name for f in fields(Terms))


class Policy:
    """All versions of the policy; `at(ts)` is the one in force. `files`: name to text of what it was read from."""

    def __init__(self, versions: Sequence[tuple[int, Terms]] = ()) -> None:
        self._versions = Versions(versions)
        self.files: Mapping[str, str] = {}

    def at(self, ts: int) -> Terms:
        """The terms in force; before the first entry the defaults."""
        return self._versions.at(ts) or _DEFAULTS

    @property
    def simulates(self) -> bool:
        """Whether liquidations are simulated at any time."""
        return any(terms.execution == "simulated" for terms in self._versions.values())

    def items(self) -> list[tuple[int, Terms]]:
        """(valid_from, terms) in order of time; the defaults are valid from the beginning."""
        return [(-NEVER, _DEFAULTS), *self._versions.items()]

    def session_bounds(self, day: date) -> tuple[int, int]:
        """[S, E) of the session that starts on a date (rules.md section 11)."""
        return self._session_start(day), self._session_start(day + timedelta(days=1))

    def _session_start(self, day: date) -> int:
        midnight = day_start_us(day)
        return midnight + self.at(midnight).session_start

    def check_currencies(self, scales: Mapping[str, int]) -> None:
        """ConfigError for a fund floor in an unknown currency or finer than a ledger unit."""
        for terms in self._versions.values():
            for currency, amount_e18 in terms.fund_floor.items():
                if currency not in scales:
                    raise ConfigError(
                        f"policy: fund_floor names {currency}, which is not in LANDING/currencies"
                    )
                try:
                    e18_to_units(amount_e18, scales[currency])
                except ValueError:
                    raise ConfigError(
                        f"policy: fund_floor of {currency} is finer than its ledger unit, 10^-{scales[currency]}"
                    ) from None


def parse_policy(entries: object, overrides: Mapping[str, object] | None = None) -> Policy:
    """A Policy from the list in policy.yaml; `overrides` (a scenario's) hold over the whole range.

    ConfigError, in one line, for anything that is not as inputs.md says.
    """
    if entries is None:
        entries = []
    if not isinstance(entries, list):
        raise ConfigError("policy: expected a list of entries, each with valid_from")
    dated = sorted(
        (_parse_entry(entry, number) for number, entry in enumerate(entries, 1)), key=lambda e: e[0]
    )
    fixed = {key: _parse_value(key, value, "scenario policy") for key, value in (overrides or {}).items()}
    versions: list[tuple[int, Terms]] = [(-NEVER, Terms(**fixed))] if fixed else []
    values: dict[str, Any] = {}
    for start, changes in dated:
        values |= changes
        versions.append((start, Terms(**(values | fixed))))
    return Policy(versions)


def _parse_entry(entry: object, number: int) -> tuple[int, dict[str, Any]]:
    where = f"policy entry {number}"
    if not isinstance(entry, dict) or "valid_from" not in entry:
        raise ConfigError(f"{where}: expected a map with valid_from")
    try:
        start = parse_time_us(entry["valid_from"])
    except Unparsable as error:
        raise ConfigError(
            f"{where}: valid_from is a date, or a UTC time like 2025-10-10T08:00:00Z: {error}"
        ) from None
    return start, {k: _parse_value(k, v, where) for k, v in entry.items() if k != "valid_from"}


def _parse_value(key: object, value: object, where: str) -> Any:
    if key in NOT_YET:
        raise ConfigError(f"{where}: {key}: not yet; this version has no rules for it, leave the key out")
    if not isinstance(key, str) or key not in KEYS:
        raise ConfigError(f"{where}: unknown key {key!r}; known are valid_from, {', '.join(KEYS)}")
    try:
        return _parse_known(key, value)
    except (Unparsable, ValueError) as error:
        raise ConfigError(f"{where}: {key}: {error}") from None


def _parse_known(key: str, value: object) -> Any:
    if key in _CHOICES:
        if value not in _CHOICES[key]:
            raise ValueError(f"{value!r} is none of {', '.join(_CHOICES[key])}")
        return value
    if key == "fund_floor":
        if not isinstance(value, dict):
            raise ValueError("expected a map of currency to amount")
        return {str(k): parse_decimal_e18(v) for k, v in value.items()}
    if key == "session_start":
        match = re.fullmatch(r"([01]\d|2[0-3]):([0-5]\d)", value) if isinstance(value, str) else None
        if not match:
            raise ValueError(f"{value!r} is not text HH:MM; write it in quotes, like '08:00'")
        return (int(match[1]) * 60 + int(match[2])) * (DAY_US // 1440)
    if key in LISTS:
        return _parse_names(value, LISTS[key])
    number = parse_decimal_e18(value)
    if key in RATES:
        if not 0 <= number <= 10**18:
            raise ValueError(f"{value!r} is not between 0 and 1")
        return number
    whole, rest = divmod(number, 10**18)
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
