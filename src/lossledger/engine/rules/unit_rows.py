"""What a risk unit says of itself: at an instant, at the end of the session, and to the next one."""

from lossledger.engine.events import Market
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import FundingTotal, SessionRows, Snapshot, UnitPosition, UnitSession
from lossledger.engine.rules.episode import Episode
from lossledger.engine.rules.units import Unit


def add_snapshot(unit: Unit, ts: int, rows: SessionRows) -> None:
    """The unit now, after all events of `ts`: a row a position, or one without an instrument."""
    place = (ts, *unit.key, Ledger(unit.wallet), Ledger(unit.equity()))
    if not unit.positions:
        none = Ledger(0)
        rows.snapshots.append(Snapshot(*place, None, 0, none, none, none, None))
    for i, p in sorted(unit.positions.items()):
        worth = (Ledger(p.entry_value), Ledger(p.value), Ledger(p.unrealised()))
        row = Snapshot(*place, i, p.quantity_e18, *worth, p.mark_e18)
        rows.snapshots.append(row)


def close_unit(unit: Unit, rows: SessionRows) -> None:
    """The end of the session: the unit's row, if there is anything to say, and its positions."""
    debts = (Ledger(unit.given.debt), Ledger(unit.new_debt), Ledger(unit.recovered), Ledger(unit.debt))
    for instrument_id, (amount, count) in sorted(unit.funding.items()):
        rows.funding_totals.append(FundingTotal(instrument_id, unit.key.currency, Ledger(amount), count))
    if not (unit.active or unit.positions or unit.wallet or any(debts)):
        return
    flows = unit.flows
    rows.unit_sessions.append(
        UnitSession(
            *unit.key,
            unit.active,
            Ledger(unit.given.wallet),
            Ledger(flows.transfers),
            Ledger(flows.realised_pnl),
            Ledger(flows.fees),
            Ledger(flows.funding),
            Ledger(flows.negative_balance_reset),
            Ledger(flows.surplus_forfeited),
            Ledger(flows.socialised_charge),
            Ledger(flows.fund_settlement),
            Ledger(unit.wallet),
            Ledger(unit.given.unrealised),
            Ledger(sum(p.unrealised() for p in unit.positions.values())),
            *debts,
            unit.episode.to_json() if unit.episode else None,
        )
    )
    for _, lots in sorted(unit.lots.items()):
        rows.lots.extend(lots)
    for i, p in sorted(unit.positions.items()):
        rows.unit_positions.append(
            UnitPosition(*unit.key, i, p.quantity_e18, Ledger(p.entry_value), p.mark_e18)
        )


def remember_marks(unit: UnitSession, market: Market, start: int) -> UnitSession:
    """A session's row of a unit, an open episode that began in it complete for being carried on.

    The marks at its start are noted of what the unit did not hold then; `market` has the ticks of every
    instrument, not only of those that were held where the unit was replayed.
    """
    episode = Episode.from_json(unit.open_episode) if unit.open_episode else None
    if episode is None or episode.triggered_at < start:
        return unit
    for instrument_id, contract in sorted(market.contracts.items()):
        mark_e18 = market.mark_before(instrument_id, episode.starts_before)
        elsewhere = contract.currency != unit.currency or unit.isolation not in ("", instrument_id)
        if mark_e18 is not None and instrument_id not in episode.held and not elsewhere:
            episode.marks[instrument_id] = mark_e18
    return unit._replace(open_episode=episode.to_json())
