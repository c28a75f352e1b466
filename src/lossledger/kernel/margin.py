"""Maintenance margin with tiers (rules.md section 6)."""

from lossledger.kernel.compiler import compiled
from lossledger.kernel.layout import MARGINAL, WHOLE, WHOLE_BY_QUANTITY, Amount, Instrument, Market
from lossledger.kernel.wide import ceiling, ceiling_with, rounded_up


@compiled
def table_at(market: Market, terms: Instrument, ts: int) -> int:
    """The index of the instrument's margin table at ts; before the first one `table_from` - 1."""
    k = terms.table_to - 1
    while k >= terms.table_from and market.tables[k].valid_from > ts:
        k -= 1
    return k


@compiled
def margin_by(market: Market, table: int, notional: Amount, lots: int, rule: int) -> int:
    """MM = ceil(n × rate_k − deduction_k), k the tier with the largest floor ≤ n, or ≤ |Q| where tiers go by quantity.

    With a rule on the whole position MM = ceil(n × rate_k).
    """
    k = market.tables[table].tier_to - 1
    first = market.tables[table].tier_from
    if rule == WHOLE_BY_QUANTITY:
        while k > first and market.tiers[k].least_lots > lots:
            k -= 1
    else:
        while k > first and market.tiers[k].floor > notional:
            k -= 1
    tier = market.tiers[k]
    if rule != MARGINAL:
        return ceiling(notional, tier.rate, tier.denominator)
    above = notional - tier.floor
    if above <= tier.small:
        return tier.whole + rounded_up(above * tier.rate + tier.rest, tier.denominator)
    return tier.whole + ceiling_with(above, tier.rate, tier.rest, tier.denominator)


@compiled
def margin_at(market: Market, terms: Instrument, notional: Amount, lots: int, ts: int, rule: int) -> int:
    """MM of |Q| lots with the table effective at ts."""
    return margin_by(market, table_at(market, terms, ts), notional, lots, rule)


@compiled
def extreme_margin(market: Market, table: int, notional: Amount, lots: int, rules: int, largest: bool) -> int:
    """The largest or the smallest MM by any of some rules."""
    margin, found = notional - notional, False
    for rule in (MARGINAL, WHOLE, WHOLE_BY_QUANTITY):
        if rules & rule:
            other = margin_by(market, table, notional, lots, rule)
            margin = other if not found else max(margin, other) if largest else min(margin, other)
            found = True
    return margin


@compiled
def margin_over(
    market: Market, terms: Instrument, notional: Amount, lots: int, start: int, end: int, largest: bool
) -> int:
    """The largest or the smallest MM by the tables effective in [start, end) and the rules of any terms."""
    k, rules = table_at(market, terms, start), market.terms[0].margin_rules
    margin = extreme_margin(market, k, notional, lots, rules, largest)
    k += 1
    while k < terms.table_to and market.tables[k].valid_from < end:
        other = extreme_margin(market, k, notional, lots, rules, largest)
        margin = max(margin, other) if largest else min(margin, other)
        k += 1
    return margin
