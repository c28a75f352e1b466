"""Simulated lots: closed at their first tick after a while, by nobody's unit (rules.md section 15)."""

from bisect import bisect_left
from collections.abc import Iterable

from lossledger.engine.events import NO_TICKS, Market, TickSeries
from lossledger.engine.intake.policy import Policy
from lossledger.engine.numbers import E18, round_half_even_div
from lossledger.engine.rows import OpenLot, Takeover
from lossledger.engine.rules.lots import BY_MARKET, close_lot
from lossledger.engine.rules.simulation import closing_price


def unwind(lots: Iterable[OpenLot], market: Market, policy: Policy) -> tuple[list[OpenLot], list[Takeover]]:
    """The lots that are still open after the session's ticks, and the closings of all others.

    A lot is closed in full at the first tick of its instrument with a timestamp ≥ its own + `unwind_us`, read at that
    tick, whatever the execution is by then.
    """
    still_open, takeovers = [], []
    for lot in lots:
        series = market.ticks.get(lot.instrument_id, NO_TICKS)
        index = _due(lot, series, policy)
        if index is None:
            still_open.append(lot)
        else:
            takeovers.append(_close(lot, series, index, market, policy))
    return still_open, takeovers


def _due(lot: OpenLot, series: TickSeries, policy: Policy) -> int | None:
    for index in range(bisect_left(series.ts, lot.opened_at), len(series.ts)):
        ts = series.ts[index]
        if ts >= lot.opened_at + policy.at(ts).unwind_us:
            return index
    return None


def _close(lot: OpenLot, series: TickSeries, index: int, market: Market, policy: Policy) -> Takeover:
    ts, mark_e18 = series.ts[index], series.mark[index]
    bid_e18, ask_e18 = series.bid[index], series.ask[index]
    terms, contract = policy.at(ts), market.contracts[lot.instrument_id]
    quotes = (mark_e18 if bid_e18 is None else bid_e18, mark_e18 if ask_e18 is None else ask_e18)
    tick_size_e18 = market.tick_size(lot.instrument_id, ts)
    side = 1 if lot.quantity_e18 > 0 else -1
    price_e18 = closing_price(side, *quotes, terms.slippage_rate, tick_size_e18)
    quantity_e18 = abs(lot.quantity_e18)
    value = contract.value_units(quantity_e18, price_e18)
    fee = round_half_even_div(value * terms.unwind_fee_rate, E18)
    return close_lot(lot, quantity_e18, contract, (ts, None, BY_MARKET), value, fee, mark_e18)[1]
