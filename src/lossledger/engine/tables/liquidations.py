"""Liquidations that have ended, why they cost what they did, and what auto-deleveraging took."""

from collections.abc import Mapping

from lossledger.engine.events import Trade
from lossledger.engine.replayed import Replayed, Row


def liquidations(session: Replayed) -> tuple[list[Row], list[Row]]:
    episodes = [session.row(e) for e in session.rows.episodes]
    components = []
    for c in session.rows.components:
        row = session.row(c)
        del row["currency"]
        components.append(row)
    return episodes, components


def liquidation_positions(session: Replayed) -> list[Row]:
    names = ("entry_value", "maintenance_margin", "filled_value")
    return [
        {
            "episode_id": p.episode_id,
            "instrument_id": p.instrument_id,
            "quantity": p.quantity_e18,
            "mark_price": p.mark_e18,
            "liquidation_fills": p.liquidation_fills,
            "filled_quantity": p.filled_quantity_e18,
            **session.amounts(p, *names),
        }
        for p in session.rows.liquidation_positions
    ]


def adl_rows(session: Replayed, other_sides: Mapping[Trade, list[tuple[str, str]]]) -> list[Row]:
    """`other_sides`: a trade to (fill_id, account_id) of all its sides delivered before the end."""
    rows = []
    for loss in session.rows.adl_losses:
        others = [
            account
            for fill_id, account in other_sides.get(Trade(loss.instrument_id, loss.trade_id), [])
            if fill_id != loss.fill_id
        ]
        rows.append(
            {
                "fill_id": loss.fill_id,
                "trade_id": loss.trade_id,
                "ts": loss.ts,
                "account_id": loss.account_id,
                "currency": loss.currency,
                "isolation": loss.isolation,
                "instrument_id": loss.instrument_id,
                "side": "buy" if loss.side > 0 else "sell",
                "price": loss.price_e18,
                "quantity": loss.quantity_e18,
                "mark_price": loss.mark_e18,
                "amount": session.money(loss.currency, loss.amount),
                "against_account_id": others[0] if len(others) == 1 else None,
            }
        )
    return rows
