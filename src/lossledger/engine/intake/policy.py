"""The effective-dated policy: every rule that a venue may choose (inputs.md, policy.yaml)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from lossledger.engine.clock import NEVER, day_start_us
from lossledger.engine.errors import ConfigError
from lossledger.engine.intake.parsing import Unparsable, parse_time_us
from lossledger.engine.intake.policy_values import MAPS, parse_value
from lossledger.engine.numbers import E18, e18_to_units
from lossledger.engine.versions import Versions
from lossledger.schemas.attribution import COMPARED_RULES

# Keys of the contract for which there are no rules yet.
NOT_YET = ("correction_days", "retention_years")


@dataclass(frozen=True)
class Terms:
    """The policy in force at one time. Rates and shares are in 10^-18, but for the exact fraction `backstop_below`;
    `fund_floor` and `liquidation_partial_above` are currency to amount in 10^-18.

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
    margin_on: str = "marginal"
    tier_floor: str = "notional"
    fund_draw_rule: str = "partial"
    liquidation_style: str = "market"
    liquidation_steps: tuple[int, ...] = (E18,)
    liquidation_partial_above: Mapping[str, int] = field(default_factory=dict)
    liquidation_cooldown_us: int = 0
    liquidation_until: str = "flat"
    liquidation_fee_cap: str = "none"
    backstop_below: Fraction = Fraction(2, 3)
    liquidator_account: str = "liquidator"
    unwind_us: int = 0
    unwind_fee_rate: int = 0


_DEFAULTS = Terms()
KEYS = tuple(f.name for f in fields(Terms))


class Policy:
    """All versions of the policy; `at(ts)` is the one in force. `files`: name to text of what it was read from.

    `liquidators`: accounts that an entry names for simulated lots, or that are in force where an entry asks for them.
    """

    def __init__(
        self, versions: Sequence[tuple[int, Terms]] = (), liquidators: frozenset[str] = frozenset()
    ) -> None:
        self._versions = Versions(versions)
        self.liquidators = liquidators
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
        """ConfigError for an amount in an unknown currency or finer than a ledger unit."""
        for terms in self._versions.values():
            for key in MAPS:
                for currency, amount_e18 in getattr(terms, key).items():
                    _check_amount(key, currency, amount_e18, scales)

    def check_accounts(self, account_types: Mapping[str, str]) -> None:
        """ConfigError for a liquidator account that is delivered as another's (`account_types`: id to type)."""
        for account_id in sorted(self.liquidators):
            kind = account_types.get(account_id, "liquidator")
            if kind != "liquidator":
                raise ConfigError(
                    f"policy: liquidator_account {account_id!r} is a {kind} account of LANDING/accounts: "
                    "name one of type liquidator, or one that is not there"
                )


def _check_amount(key: str, currency: str, amount_e18: int, scales: Mapping[str, int]) -> None:
    if currency not in scales:
        raise ConfigError(f"policy: {key} names {currency}, which is not in LANDING/currencies")
    try:
        e18_to_units(amount_e18, scales[currency])
    except ValueError:
        raise ConfigError(
            f"policy: {key} of {currency} is finer than its ledger unit, 10^-{scales[currency]}"
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
    versions: list[tuple[int, Terms]] = [(-NEVER, _terms(fixed, "scenario policy"))] if fixed else []
    liquidators = {versions[0][1].liquidator_account} if _asks_for_a_liquidator(fixed) else set()
    values: dict[str, Any] = {}
    for start, changes, where in dated:
        values |= changes
        terms = _terms(values | fixed, where)
        versions.append((start, terms))
        if _asks_for_a_liquidator(changes | fixed):
            liquidators.add(terms.liquidator_account)
    return Policy(versions, frozenset(liquidators))


def _terms(values: Mapping[str, Any], where: str) -> Terms:
    terms = Terms(**values)
    if terms.tier_floor == "quantity" and terms.margin_on != "whole":
        raise ConfigError(
            f"{where}: tier_floor quantity needs margin_on whole, and here it is {terms.margin_on}"
        )
    return terms


def _asks_for_a_liquidator(changes: Mapping[str, Any]) -> bool:
    return "liquidator_account" in changes or changes.get("liquidation_style") in ("takeover", "backstop")


def _parse_entry(entry: object, number: int) -> tuple[int, dict[str, Any], str]:
    where = f"policy entry {number}"
    if not isinstance(entry, dict) or "valid_from" not in entry:
        raise ConfigError(f"{where}: expected a map with valid_from")
    try:
        start = parse_time_us(entry["valid_from"])
    except Unparsable as error:
        raise ConfigError(
            f"{where}: valid_from is a date, or a UTC time like 2025-10-10T08:00:00Z: {error}"
        ) from None
    return start, {k: _parse_value(k, v, where) for k, v in entry.items() if k != "valid_from"}, where


def _parse_value(key: object, value: object, where: str) -> Any:
    if key in NOT_YET:
        raise ConfigError(f"{where}: {key}: not yet; this version has no rules for it, leave the key out")
    if not isinstance(key, str) or key not in KEYS:
        raise ConfigError(f"{where}: unknown key {key!r}; known are valid_from, {', '.join(KEYS)}")
    try:
        return parse_value(key, value)
    except (Unparsable, ValueError) as error:
        raise ConfigError(f"{where}: {key}: {error}") from None
