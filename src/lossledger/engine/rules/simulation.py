"""Liquidations that the recomputation executes: step by step to the market, or to the fund (rules.md section 8)."""

from lossledger.engine.events import Fill
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import E18, ceil_div, e18_to_units, round_half_even_div
from lossledger.engine.rows import SessionRows
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.liquidation import give_fee
from lossledger.engine.rules.position import Position
from lossledger.engine.rules.takeover import is_below_backstop, take_over
from lossledger.engine.rules.units import Unit


def simulate(unit: Unit, ts: int, ticked: list[str], terms: Terms, rows: SessionRows) -> bool:
    """Once the latency has passed, close or take over what is due at a tick: whether anything was.

    `ticked`: the held instruments with a tick at `ts`, in order of their ids.
    """
    episode = unit.episode
    if episode is None or ts < episode.triggered_at + terms.latency_us:
        return False
    marked = unit.all_marked()
    if terms.liquidation_style == "takeover":
        if marked:
            take_over(unit, ts, terms, rows)
        return marked
    if terms.liquidation_style == "backstop" and marked and is_below_backstop(unit, ts, terms):
        take_over(unit, ts, terms, rows)
        return True
    if episode.steps and ts < episode.last_step_at + terms.liquidation_cooldown_us:
        return False
    _close_step(unit, episode, ts, ticked, terms, rows)
    return True


def _close_step(
    unit: Unit, episode: Episode, ts: int, ticked: list[str], terms: Terms, rows: SessionRows
) -> None:
    """Close the step's share of every instrument with a tick; its fee is limited by what the fill left."""
    share_e18 = terms.liquidation_steps[min(episode.steps, len(terms.liquidation_steps) - 1)]
    for instrument_id in ticked:
        position = unit.positions[instrument_id]
        quantity_e18 = quantity_to_close(unit, position, ts, share_e18, terms)
        bid_e18, ask_e18 = position.closing_quote()
        tick_size_e18 = unit.market.tick_size(instrument_id, ts)
        price_e18 = closing_price(position.side, bid_e18, ask_e18, terms.slippage_rate, tick_size_e18)
        value = position.contract.value_units(quantity_e18, price_e18)
        fee = round_half_even_div(value * terms.liquidation_fee_rate, E18)
        fill = Fill(ts, "", "", instrument_id, -position.side, price_e18, quantity_e18, fee, "liquidation")
        if terms.liquidation_fee_cap == "equity":
            fill = fill._replace(fee=min(fee, max(0, unit.equity_after(fill))))
        unit.fill(fill, liquidation=True)
        give_fee(unit, fill, terms, rows)
    episode.steps += 1
    episode.last_step_at = ts


def quantity_to_close(unit: Unit, position: Position, ts: int, share_e18: int, terms: Terms) -> int:
    """In 10^-18: the smallest multiple of the lot size that is ≥ share × |Q|, at most |Q|.

    All of it where V(|Q|, mark) ≤ `liquidation_partial_above`.
    """
    size_e18 = abs(position.quantity_e18)
    contract = position.contract
    small = e18_to_units(terms.liquidation_partial_above.get(contract.currency, 0), contract.scale)
    if share_e18 == E18 or position.value <= small:
        return size_e18
    lot_e18 = unit.market.lot_size(position.instrument_id, ts)
    return min(size_e18, ceil_div(share_e18 * size_e18, E18 * lot_e18) * lot_e18)


def closing_price(side: int, bid_e18: int, ask_e18: int, slippage_rate_e18: int, tick_size_e18: int) -> int:
    """The price at which a position of this side is closed in a simulation, in 10^-18.

    A long sells at bid × (1 − slippage), rounded down to the tick; a short buys at ask × (1 + slippage),
    rounded up; never below one tick.
    """
    if side > 0:
        ticks = bid_e18 * (E18 - slippage_rate_e18) // (tick_size_e18 * E18)
    else:
        ticks = ceil_div(ask_e18 * (E18 + slippage_rate_e18), tick_size_e18 * E18)
    return max(1, ticks) * tick_size_e18
