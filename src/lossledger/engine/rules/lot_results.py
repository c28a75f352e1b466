"""Results of lots, and what of them the insurance fund gets and pays (rules.md sections 10 and 15)."""

from collections.abc import Mapping

from lossledger.engine.clock import iso
from lossledger.engine.events import Account
from lossledger.engine.ids import order_key, stable_id
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import FundMovement, NegativeBalance, SessionRows, Takeover
from lossledger.engine.rules.episode import liquidated_text
from lossledger.engine.rules.lots import is_recorded, lot_order

CAUSE = "takeover"
CLASS_OF_SIMULATED = "institutional"


def settle_results(rows: SessionRows, accounts: Mapping[str, Account]) -> None:
    """Book the results of all closings with the fund: a gain is a movement, a loss an event of cause takeover.

    Both get their place in the order of section 10: by instrument, fill and lot.
    """
    rows.takeovers.sort(key=_order)
    for place, takeover in enumerate(rows.takeovers, 1):
        if takeover.result > 0:
            rows.fund_movements.append(_gain(takeover, place))
        elif takeover.result < 0:
            rows.negative_balances.append(_loss(takeover, place, accounts))


def loss_event_id(t: Takeover) -> str | None:
    """The event of a closing with a loss: a fill closes a lot at most once, and a simulated lot is closed only once."""
    if t.result >= 0:
        return None
    unit = (t.account_id, t.currency, t.isolation)
    return stable_id("nb", *unit, iso(t.closed_at), t.lot_id, t.close_fill_id or "")


def _order(t: Takeover) -> tuple[int, str, str, str, str, tuple[int, str, str, str, str]]:
    fill = order_key(t.close_fill_id or "")
    return (t.closed_at, t.account_id, t.isolation, t.instrument_id, fill, lot_order(t))


def _gain(t: Takeover, place: int) -> FundMovement:
    fill_id = t.close_fill_id or ""
    where = (t.account_id, t.currency, t.isolation, t.instrument_id, fill_id)
    return FundMovement(t.closed_at, "takeover_gain", *where, t.result, t.lot_id, place)


def _loss(t: Takeover, place: int, accounts: Mapping[str, Account]) -> NegativeBalance:
    recorded = is_recorded(t)
    client_class = accounts[t.account_id].at(t.closed_at).client_class if recorded else CLASS_OF_SIMULATED
    return NegativeBalance(
        loss_event_id(t) or "",
        t.closed_at,
        t.account_id,
        t.currency,
        t.isolation,
        client_class,
        CAUSE,
        t.episode_id,
        protected=True,
        session_transfers=Ledger(0),
        deficit=Ledger(-t.result),
        liquidated=liquidated_text([(t.instrument_id, -t.quantity_e18, t.close_value)]),
        from_account_id=t.from_account_id,
        place=place,
    )
