"""What every unit has at the end of the session, and how it came there."""

from lossledger.engine.replayed import Replayed, Row

_FLOWS = (
    "opening_wallet",
    "transfers",
    "realised_pnl",
    "fees",
    "funding",
    "negative_balance_reset",
    "surplus_forfeited",
    "socialised_charge",
    "fund_settlement",
    "closing_wallet",
)
_DEBTS = ("opening_debt", "new_debt", "recovered", "closing_debt")


def accounts(session: Replayed) -> tuple[list[Row], list[Row]]:
    holding = {(p.account_id, p.currency, p.isolation) for p in session.rows.unit_positions}
    daily, receivables = [], []
    for unit in session.rows.unit_sessions:
        key = {"account_id": unit.account_id, "currency": unit.currency, "isolation": unit.isolation}
        if unit.active or unit.closing_wallet or tuple(key.values()) in holding:
            equity = unit.closing_wallet + unit.closing_unrealised
            worth = {
                "opening_unrealised_pnl": session.money(unit.currency, unit.opening_unrealised),
                "unrealised_pnl": session.money(unit.currency, unit.closing_unrealised),
                "equity": session.money(unit.currency, equity),
            }
            daily.append(key | session.account(unit.account_id) | session.amounts(unit, *_FLOWS) | worth)
        if any(getattr(unit, name) for name in _DEBTS):
            receivables.append(key | session.amounts(unit, *_DEBTS))
    return daily, receivables


def positions(session: Replayed) -> list[Row]:
    return [
        {
            "account_id": p.account_id,
            "currency": p.currency,
            "isolation": p.isolation,
            "instrument_id": p.instrument_id,
            "quantity": p.quantity_e18,
            "entry_value": session.money(p.currency, p.entry_value),
            "mark_price": p.mark_e18,
        }
        for p in session.rows.unit_positions
    ]
