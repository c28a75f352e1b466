"""A liquidation from its first recorded fill to its end (rules.md section 8); `simulation` closes by itself."""

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import AdlLoss, FundMovement, SessionRows
from lossledger.engine.rules.episode import FLAT, RECORDED_FILL, RECOVERED, SELF_CLOSED, Episode
from lossledger.engine.rules.takeover import trade_lots
from lossledger.engine.rules.trigger import breaches
from lossledger.engine.rules.units import Unit


def apply_recorded_fill(unit: Unit, fill: Fill, terms: Terms, rows: SessionRows) -> None:
    """Any fill as delivered: one of kind liquidation opens an episode where there is none; `adl` is a loss in kind.

    What a liquidator trades is of no kind: it opens and closes lots.
    """
    if unit.account.is_liquidator:
        trade_lots(unit, fill, rows)
        return
    liquidation = fill.kind == "liquidation" and unit.account.is_client
    if liquidation and unit.episode is None:
        start = (fill.ts, RECORDED_FILL, terms.execution, unit.equity())
        unit.episode = Episode.opened(*start, unit.held(fill.ts))
    change, mark_e18 = unit.fill(fill, liquidation)
    if liquidation:
        give_fee(unit, fill, terms, rows)
    if fill.kind == "adl":
        place = (fill.fill_id, fill.trade_id, fill.ts, *unit.key, fill.instrument_id)
        rows.adl_losses.append(
            AdlLoss(*place, fill.side, fill.price_e18, fill.quantity_e18, mark_e18, amount=Ledger(-change))
        )


def give_fee(unit: Unit, fill: Fill, terms: Terms, rows: SessionRows) -> None:
    """The fee of a liquidation fill goes to the fund, where the policy says so."""
    if terms.liquidation_fee_to == "fund" and fill.fee:
        ref = fill.fill_id or f"{iso(fill.ts)} {fill.instrument_id}"
        where = (*unit.key, fill.instrument_id, fill.fill_id)
        rows.fund_movements.append(FundMovement(fill.ts, "liquidation_fee", *where, Ledger(fill.fee), ref))


def end_if_recovered(unit: Unit, ts: int, terms: Terms, rows: SessionRows) -> None:
    """A tick later than the start at which the unit no longer breaches ends its episode.

    Of a simulated liquidation only under `liquidation_until: recovered`.
    """
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
