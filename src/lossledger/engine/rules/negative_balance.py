"""A flat unit below zero: covered, or owed by the account (rules.md section 9)."""

from lossledger.engine.clock import iso
from lossledger.engine.ids import stable_id
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import NegativeBalance, SessionRows
from lossledger.engine.rules.episode import FLAT, Episode
from lossledger.engine.rules.liquidation import end_if_open
from lossledger.engine.rules.units import Unit


def settle(unit: Unit, ts: int, terms: Terms, touched: bool, filled: bool, rows: SessionRows) -> None:
    """After all events of a timestamp: a flat unit's episode ends, and its wallet is looked at.

    `touched`: an event of its own, a liquidation or a charge; `filled`: a fill was among them.
    """
    if unit.positions:
        return
    ended, reason = end_if_open(unit, ts, terms, rows)
    if touched and unit.account.is_client:
        cause = "liquidation" if reason == FLAT else "trading" if filled else "transfer"
        book_loss(unit, ts, cause, ended, rows)


def book_loss(unit: Unit, ts: int, cause: str, ended: Episode | None, rows: SessionRows) -> None:
    """loss = max(0, −W) − debt of a flat unit: an event when positive, a recovery when negative."""
    loss = max(0, -unit.wallet) - unit.debt
    if loss < 0:
        unit.owe(loss)
    if loss <= 0:
        return
    account = unit.account.at(ts)
    covered = account.protected and cause != "transfer"
    if covered:
        unit.reset(loss)
    else:
        unit.owe(loss)
    episode = ended if cause == "liquidation" else None
    rows.negative_balances.append(
        NegativeBalance(
            stable_id("nb", *unit.key, iso(ts)),
            ts,
            *unit.key,
            account.client_class,
            cause,
            episode.episode_id(unit.key) if episode else None,
            covered,
            Ledger(unit.flows.transfers),
            Ledger(loss),
            episode.liquidated_json() if episode else "{}",
        )
    )
