"""A liquidation from its first fill to its end, the venue's or a simulated one (rules.md section 8)."""

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import E18, Ledger, ceil_div, round_half_even_div
from lossledger.engine.rows import AdlLoss, FundMovement, SessionRows
from lossledger.engine.rules.episode import FLAT, RECORDED_FILL, RECOVERED, SELF_CLOSED, Episode
from lossledger.engine.rules.trigger import breaches
from lossledger.engine.rules.units import Unit


def apply_recorded_fill(unit: Unit, fill: Fill, terms: Terms, rows: SessionRows) -> None:
    """Any fill as delivered: one of kind liquidation opens an episode where there is none; `adl` is a loss in kind."""
    liquidation = fill.kind == "liquidation" and not unit.account.is_house
    if liquidation and unit.episode is None:
        start = (fill.ts, RECORDED_FILL, terms.execution, unit.equity())
        unit.episode = Episode.opened(*start, unit.held(fill.ts))
    change, mark_e18 = _apply(unit, fill, terms, liquidation, rows)
    if fill.kind == "adl":
        place = (fill.fill_id, fill.trade_id, fill.ts, *unit.key, fill.instrument_id)
        rows.adl_losses.append(
            AdlLoss(*place, fill.side, fill.price_e18, fill.quantity_e18, mark_e18, amount=Ledger(-change))
        )


def simulate(unit: Unit, ts: int, ticked: list[str], terms: Terms, rows: SessionRows) -> bool:
    """Once the latency has passed, close in full what has a tick here: whether anything was closed."""
    if unit.episode is None or ts < unit.episode.triggered_at + terms.latency_us:
        return False
    for instrument_id in ticked:
        position = unit.positions[instrument_id]
        bid_e18, ask_e18 = position.closing_quote()
        tick_size_e18 = unit.market.tick_size(instrument_id, ts)
        price_e18 = closing_price(position.side, bid_e18, ask_e18, terms.slippage_rate, tick_size_e18)
        quantity_e18 = abs(position.quantity_e18)
        value = position.contract.value_units(quantity_e18, price_e18)
        fee = round_half_even_div(value * terms.liquidation_fee_rate, E18)
        fill = Fill(ts, "", "", instrument_id, -position.side, price_e18, quantity_e18, fee, "liquidation")
        _apply(unit, fill, terms, True, rows)
    return True


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


def _apply(
    unit: Unit, fill: Fill, terms: Terms, liquidation: bool, rows: SessionRows
) -> tuple[int, int | None]:
    """As `Unit.fill`; the fee of a liquidation fill goes where the policy says."""
    applied = unit.fill(fill, liquidation)
    if liquidation and terms.liquidation_fee_to == "fund" and fill.fee:
        ref = fill.fill_id or f"{iso(fill.ts)} {fill.instrument_id}"
        where = (*unit.key, fill.instrument_id, fill.fill_id)
        rows.fund_movements.append(FundMovement(fill.ts, "liquidation_fee", *where, Ledger(fill.fee), ref))
    return applied


def end_if_recovered(unit: Unit, ts: int, terms: Terms, rows: SessionRows) -> None:
    """Recorded execution: a tick later than the start at which the unit no longer breaches ends its episode."""
    episode = unit.episode
    if episode is None or ts == episode.triggered_at or not unit.all_marked():
        return
    equity = unit.equity()
    if not breaches(terms, equity, unit.maintenance_margin(ts)):
        _end(unit, episode, ts, RECOVERED, equity, 0, rows)


def end_if_open(unit: Unit, ts: int, terms: Terms, rows: SessionRows) -> tuple[Episode | None, str]:
    """The unit is flat: its episode, if it had one, ends, and its residual goes where the policy says."""
    episode = unit.episode
    if episode is None:
        return None, ""
    reason = FLAT if episode.first_execution_at is not None else SELF_CLOSED
    equity = unit.wallet
    surplus = max(0, equity) if reason == FLAT and terms.residual == "to_fund" else 0
    if surplus:
        unit.forfeit(surplus)
        ref = episode.episode_id(unit.key)
        rows.fund_movements.append(FundMovement(ts, "surplus", *unit.key, "", "", Ledger(surplus), ref))
    _end(unit, episode, ts, reason, equity, surplus, rows)
    return episode, reason


def _end(
    unit: Unit, episode: Episode, ts: int, reason: str, equity: int, surplus: int, rows: SessionRows
) -> None:
    rows.episodes.append(episode.ended(unit.key, ts, reason, equity, surplus))
    rows.components.extend(episode.components(unit.key))
    rows.liquidation_positions.extend(
        episode.positions(unit.key, lambda instrument_id: unit.mark_at_start(episode, instrument_id))
    )
    unit.episode = None
