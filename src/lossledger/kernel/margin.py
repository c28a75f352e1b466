"""Maintenance margin with tiers (rules.md section 6)."""

from lossledger.kernel.compiler import compiled
from lossledger.kernel.layout import Amount, Instrument, Market
from lossledger.kernel.wide import ceiling_with, rounded_up


@compiled
def table_at(market: Market, terms: Instrument, ts: int) -> int:
    """The index of the instrument's margin table at ts; before the first one `table_from` - 1."""
    k = terms.table_to - 1
    while k >= terms.table_from and market.tables[k].valid_from > ts:
        k -= 1
    return k


@compiled
def margin_by(market: Market, table: int, notional: Amount) -> int:
    """MM = ceil(n × rate_k − deduction_k), k the tier with the largest floor ≤ n."""
    k = market.tables[table].tier_to - 1
    first = market.tables[table].tier_from
    while k > first and market.tiers[k].floor > notional:
        k -= 1
    tier = market.tiers[k]
    above = notional - tier.floor
    if above <= tier.small:
        return tier.whole + rounded_up(above * tier.rate + tier.rest, tier.denominator)
    return tier.whole + ceiling_with(above, tier.rate, tier.rest, tier.denominator)


@compiled
def margin_at(market: Market, terms: Instrument, notional: Amount, ts: int) -> int:
    """MM with the table effective at ts."""
    return margin_by(market, table_at(market, terms, ts), notional)


@compiled
def margin_over(
    market: Market, terms: Instrument, notional: Amount, start: int, end: int, largest: bool
) -> int:
    """The largest or the smallest MM of a notional by the tables effective in [start, end)."""
    k = table_at(market, terms, start)
    margin = margin_by(market, k, notional)
    k += 1
    while k < terms.table_to and market.tables[k].valid_from < end:
        other = margin_by(market, k, notional)
        margin = max(margin, other) if largest else min(margin, other)
        k += 1
    return margin
