"""The price of a simulated liquidation (rules.md section 8)."""

from engine.numbers import E18, ceil_div


def closing_price(side: int, bid_e18: int, ask_e18: int, slippage_rate_e18: int, tick_size_e18: int) -> int:
    """The price at which a position of this side is closed, in 10^-18.

    A long sells at bid × (1 − slippage), rounded down to the tick; a short buys at ask × (1 + slippage),
    rounded up; never below one tick.
    """
    if side > 0:
        ticks = bid_e18 * (E18 - slippage_rate_e18) // (tick_size_e18 * E18)
    else:
        ticks = ceil_div(ask_e18 * (E18 + slippage_rate_e18), tick_size_e18 * E18)
    return max(1, ticks) * tick_size_e18
