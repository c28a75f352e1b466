"""Who takes a position over, and at what value: what units do in a takeover (rules.md section 15)."""

from lossledger.engine.clock import iso
from lossledger.engine.events import Fill
from lossledger.engine.ids import stable_id
from lossledger.engine.intake.policy import Terms
from lossledger.engine.numbers import Ledger
from lossledger.engine.rows import FundMovement, OpenLot, SessionRows
from lossledger.engine.rules.lots import SIMULATED, fill_lots
from lossledger.engine.rules.sharing import largest_remainder
from lossledger.engine.rules.units import Unit


def trade_lots(unit: Unit, fill: Fill, rows: SessionRows) -> None:
    """A fill of a liquidator's unit: it closes lots and opens one, and every result is settled with the fund."""
    _, mark_e18 = unit.fill(fill, liquidation=False)
    contract = unit.market.contracts[fill.instrument_id]
    value = contract.value_units(fill.quantity_e18, fill.price_e18)
    before = unit.lots.pop(fill.instrument_id, [])
    after, closed = fill_lots(before, fill, value, mark_e18, unit.key, contract)
    if after:
        unit.lots[fill.instrument_id] = after
    for takeover in closed:
        unit.settle_with_fund(-takeover.result)
    rows.takeovers.extend(closed)


def settle_funding(unit: Unit, ts: int, received: dict[str, int], rows: SessionRows) -> None:
    """Funding on a liquidator's unit is the fund's: a movement per position, and the wallet gives what it got."""
    for instrument_id, amount in sorted(received.items()):
        unit.settle_with_fund(-amount)
        ref = f"{iso(ts)} {instrument_id}"
        where = (*unit.key, instrument_id, "")
        rows.fund_movements.append(FundMovement(ts, "takeover_funding", *where, Ledger(amount), ref))


def is_below_backstop(unit: Unit, ts: int, terms: Terms) -> bool:
    """Whether what the unit is worth, beside its debt, is below the policy's share of its maintenance margin."""
    share = terms.backstop_below
    worth = unit.equity() + unit.debt
    return worth * share.denominator < share.numerator * unit.maintenance_margin(ts)


def take_over(unit: Unit, ts: int, terms: Terms, rows: SessionRows) -> None:
    """The whole unit goes to the fund: each position at its value at the mark, less its part of what the unit is worth.

    Afterwards the unit is flat and worth −debt; one that is not protected keeps what it is below that.
    """
    worth = unit.equity() + unit.debt
    if worth < 0 and not unit.account.at(ts).protected:
        worth = 0
    episode_id = unit.episode.episode_id(unit.key) if unit.episode else None
    for instrument_id, part in parts_of(unit, ts, worth).items():
        position = unit.positions[instrument_id]
        value = position.value - position.side * position.contract.direction * part
        lot = OpenLot(
            stable_id("lot", *unit.key, instrument_id, iso(ts)),
            SIMULATED,
            episode_id,
            unit.key.account_id,
            unit.key.isolation,
            terms.liquidator_account,
            unit.key.currency,
            "",
            instrument_id,
            position.quantity_e18,
            opened_at=ts,
            open_value=Ledger(value),
            open_fee=Ledger(0),
            opening_mark_e18=position.mark_e18,
        )
        rows.lots.append(lot)
        unit.give_up(instrument_id, ts, value)


def parts_of(unit: Unit, ts: int, worth: int) -> dict[str, int]:
    """What the unit is worth, cut by positions in order of instrument; each part has the sign of the whole.

    In proportion to maintenance margin; to value if all margins are 0; if values are too, all to the first instrument.
    """
    held = sorted(unit.positions.items())
    margins = [(i, p.maintenance_margin(ts, unit.margin_rule)) for i, p in held]
    values = [(i, p.value) for i, p in held]
    first = [(i, 1 if n == 0 else 0) for n, (i, _) in enumerate(held)]
    weights = next(w for w in (margins, values, first) if any(weight for _, weight in w))
    sign = 1 if worth >= 0 else -1
    return {i: sign * share for i, share in largest_remainder(abs(worth), weights).items()}
