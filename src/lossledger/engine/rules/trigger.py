"""The liquidation trigger: equity against maintenance margin at a tick (rules.md section 7)."""

from lossledger.engine.intake.policy import Terms
from lossledger.engine.rules.episode import MARGIN, Episode
from lossledger.engine.rules.units import Unit


def breaches(terms: Terms, equity: int, margin: int) -> bool:
    """Whether equity and maintenance margin, in ledger units, are those of a unit that is to be liquidated."""
    return equity <= margin if terms.trigger == "lte" else equity < margin


def trigger(unit: Unit, ts: int, terms: Terms) -> None:
    """After a tick of something the unit holds: open an episode, if there is none and the unit breaches.

    Nothing is decided before every held instrument has had a tick.
    """
    if unit.episode is not None or not unit.all_marked():
        return
    equity = unit.equity()
    if breaches(terms, equity, unit.maintenance_margin(ts)):
        unit.episode = Episode.opened(ts, MARGIN, terms.execution, equity, unit.held(ts))
