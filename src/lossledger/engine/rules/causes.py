"""Why a deficit happened: the cause of every change of equity in an episode (rules.md section 12).

Every event changes equity by an exact amount, and that change belongs to one cause. So the causes of an episode add
up to −(terminal equity), whatever the contract and the rounding.
"""

from lossledger.engine.events import Fill
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import LossComponent

# (component, instrument or '') to an amount in ledger units that enlarges the deficit
Causes = dict[tuple[str, str], int]


def causes_at_start(equity: int, margin: int) -> Causes:
    """−equity at the start, cut at the maintenance margin and at zero."""
    return {
        ("cushion", ""): -margin,
        ("headroom", ""): -max(0, equity - margin),
        ("gap_in_cushion", ""): min(max(0, margin - equity), margin),
        ("gap_past_bankruptcy", ""): max(0, -equity),
    }


def cause_of_tick(executed: bool) -> str:
    """Before the first liquidation fill a tick is latency, after it market move."""
    return "market_move" if executed else "latency"


def cause_of_fill(fill: Fill, liquidation: bool) -> str:
    """Of a fill's change of equity at the mark in force, fee excluded; its fee is a cause of its own."""
    if not liquidation:
        return "account_trading"
    if fill.met_by_adl:
        return "adl"
    return "takeover" if fill.met_by_liquidator else "execution"


def loss_components(episode_id: str, currency: str, causes: Causes) -> list[LossComponent]:
    """The causes that are not zero."""
    return [
        LossComponent(episode_id, currency, component, instrument_id or None, Ledger(amount))
        for (component, instrument_id), amount in sorted(causes.items())
        if amount
    ]
