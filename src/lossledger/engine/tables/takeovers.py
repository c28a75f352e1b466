"""Lots that were closed in the session and those that are open at its end (rules.md section 15)."""

from lossledger.engine.events import Market
from lossledger.engine.replayed import Replayed, Row
from lossledger.engine.rules.lot_results import loss_event_id

_FROM = ("lot_id", "episode_id", "from_account_id", "from_isolation")
_OF = ("account_id", "isolation", "currency", "instrument_id", "opened_at")


def takeovers(session: Replayed) -> list[Row]:
    """Closings of lots or of parts of them, positive in quantity where the lot was long."""
    rows = []
    for t in session.rows.takeovers:
        row = {name: getattr(t, name) for name in (*_FROM, *_OF, "closed_at", "close_fill_id", "closed_by")}
        row["quantity"] = t.quantity_e18
        row |= session.amounts(t, "open_value", "close_value", "fees", "result")
        for name in ("at_takeover", "market_move", "execution"):
            amount = getattr(t, name)
            row[name] = None if amount is None else session.money(t.currency, amount)
        rows.append(row | {"event_id": loss_event_id(t)})
    return rows


def takeover_inventory(session: Replayed, market: Market) -> list[Row]:
    """Open lots, and what they are worth at the last marks more than they were taken over at."""
    marks = market.closing_marks()
    rows = []
    for lot in session.rows.lots:
        contract, mark = market.contracts[lot.instrument_id], marks.get(lot.instrument_id)
        result = None
        if mark is not None:
            value = contract.value_units(abs(lot.quantity_e18), mark)
            side = 1 if lot.quantity_e18 > 0 else -1
            result = session.money(lot.currency, contract.pnl_units(side, value, lot.open_value))
        row = {name: getattr(lot, name) for name in (*_FROM, *_OF)}
        row |= {"quantity": lot.quantity_e18, "mark_price": mark, "unrealised_result": result}
        rows.append(row | session.amounts(lot, "open_value", "open_fee"))
    return rows
