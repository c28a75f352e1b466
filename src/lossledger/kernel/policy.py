"""The policy as arrays: the versions of its terms, the shares of its steps, and what is closed in one step."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from lossledger.engine.events import Market as Reference
from lossledger.engine.intake.policy import Policy, Terms
from lossledger.engine.numbers import E18, e18_to_units
from lossledger.kernel.layout import (
    BACKSTOP,
    MARGINAL,
    NEVER,
    TAKEOVER,
    TERMS,
    TO_MARKET,
    WHOLE,
    WHOLE_BY_QUANTITY,
    Amounts,
    Ints,
    Rows,
)
from lossledger.kernel.words import Width

MOST = 1 << 62  # every number that goes in is below it
STYLES = {"market": TO_MARKET, "takeover": TAKEOVER, "backstop": BACKSTOP}


class PolicyArrays(NamedTuple):
    """`fits`: whether the kernel can hold it; otherwise units are left to the reference."""

    terms: Rows
    step_shares_e18: Ints
    closed_in_full: Amounts
    fits: bool


def policy_arrays(policy: Policy, names: Sequence[str], reference: Reference, width: Width) -> PolicyArrays:
    """All versions of the policy; amounts by version and instrument."""
    versions = [(valid_from, terms) for valid_from, terms in policy.items()]
    if not all(_fits(terms) for _, terms in versions):
        row = dict.fromkeys(TERMS.names or (), 0) | {"valid_from": -NEVER, "margin_rules": MARGINAL}
        none = np.array([tuple(row.values())], TERMS)
        return PolicyArrays(none, np.zeros(0, np.int64), np.zeros(0, width.amount), False)
    rules = 0
    for _, terms in versions:
        rules |= margin_rule(terms)
    rows: list[tuple[Any, ...]] = []
    shares: list[int] = []
    small: list[int] = []
    for valid_from, terms in versions:
        row = _row(valid_from, terms, len(shares)) | {"margin_rules": rules}
        rows.append(tuple(row[name] for name in TERMS.names or ()))
        shares += terms.liquidation_steps
        for name in names:
            contract = reference.contracts[name]
            amount_e18 = terms.liquidation_partial_above.get(contract.currency, 0)
            small.append(min(e18_to_units(amount_e18, contract.scale), width.most - 1))
    return PolicyArrays(np.array(rows, TERMS), np.array(shares, np.int64), width.column(small), True)


def margin_rule(terms: Terms) -> int:
    if terms.margin_on == "marginal":
        return MARGINAL
    return WHOLE_BY_QUANTITY if terms.tier_floor == "quantity" else WHOLE


def _fits(terms: Terms) -> bool:
    rates = (terms.liquidation_fee_rate, terms.unwind_fee_rate, terms.backstop_below.denominator)
    return 0 <= terms.slippage_rate <= E18 and all(abs(number) < MOST for number in rates)


def _row(valid_from: int, terms: Terms, step_from: int) -> dict[str, int]:
    return {
        "valid_from": valid_from,
        "lte": terms.trigger == "lte",
        "simulated": terms.execution == "simulated",
        "latency_us": min(terms.latency_us, MOST // 2),
        "slippage_e18": terms.slippage_rate,
        "fee_rate_e18": terms.liquidation_fee_rate,
        "fee_to_fund": terms.liquidation_fee_to == "fund",
        "surplus_to_fund": terms.residual == "to_fund",
        "margin_rule": margin_rule(terms),
        "style": STYLES[terms.liquidation_style],
        "step_from": step_from,
        "steps": len(terms.liquidation_steps),
        "cooldown_us": min(terms.liquidation_cooldown_us, MOST // 2),
        "until_recovered": terms.liquidation_until == "recovered",
        "fee_capped": terms.liquidation_fee_cap == "equity",
        "backstop_numerator": terms.backstop_below.numerator,
        "backstop_denominator": terms.backstop_below.denominator,
        "unwind_us": min(terms.unwind_us, MOST // 2),
        "unwind_fee_e18": terms.unwind_fee_rate,
    }
