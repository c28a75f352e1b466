"""What the engine has rules for and the night does not replay: refused here, and nowhere else."""

from collections.abc import Collection
from dataclasses import fields

from lossledger.engine.errors import ConfigError, DataError
from lossledger.engine.intake.policy import Policy, Terms

_KEYS = (
    *("margin_on", "tier_floor", "liquidation_style", "liquidation_steps", "liquidation_partial_above"),
    *("liquidation_cooldown_us", "liquidation_until", "liquidation_fee_cap", "backstop_below"),
    *("liquidator_account", "unwind_us", "unwind_fee_rate", "fund_draw_rule"),
)
_DEFAULTS = Terms()


def refuse_policy(policy: Policy) -> None:
    """ConfigError for a policy under which a date would be replayed by rules that the night does not have."""
    for _, terms in policy.items():
        for key in (f.name for f in fields(Terms) if f.name in _KEYS):
            if getattr(terms, key) != getattr(_DEFAULTS, key):
                raise ConfigError(f"policy: {key}: not yet; a run has no rules for it, leave the key out")


def refuse_liquidators(liquidators: Collection[str]) -> None:
    """DataError for accounts of type liquidator."""
    for account_id in sorted(liquidators):
        raise DataError(
            f"accounts: {account_id!r} is of type liquidator: not yet; a run has no rules for it, deliver it as house"
        )
