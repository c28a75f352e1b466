"""What the fund made of lots: the closings of a liquidator's session, and one loss in detail (rules.md section 15)."""

from collections.abc import Sequence

from lossledger.engine.events import UnitKey
from lossledger.engine.rows import FundMovement, OpenLot, Takeover
from lossledger.engine.rules.lot_results import loss_event_id
from lossledger.engine.rules.lots import is_recorded
from lossledger.readers.document.model import Citation, CitedRow, Formula, Section, cited_table
from lossledger.readers.document.values import Amount, Cell
from lossledger.readers.explain.narrative import Narrative, sum_text, when
from lossledger.schemas import attribution

RESULT_HEAD = (*("open value", "close value", "fees", "at takeover", "market move", "execution", "result"),)
_GIVEN_BY_THE_FUND = ("takeover_gain", "takeover_funding")


def lots_section(narrative: Narrative) -> Section | None:
    """A liquidator's lots in the session: closings with their results, and what is open; None if it had none."""
    rows, keys = narrative.session.rows, _keys(narrative)
    closed = [t for t in rows.takeovers if _unit(t) in keys]
    still_open = [lot for lot in rows.lots if _unit(lot) in keys]
    if not closed and not still_open:
        return None
    section = Section("Positions taken over on the insurance fund's account", rule="15")
    section.write(
        "A lot is a position, or a part of one, that was taken over. Lots close first in, first out. What a closing "
        "made is the insurance fund's: a gain is a movement of the fund, a loss goes to the waterfall, and the wallet "
        "gives or gets it at that instant. Which liquidation a recorded lot came from is read as published."
    )
    _add_closings(narrative, closed, section)
    _add_open(narrative, still_open, section)
    _add_movements(narrative, keys, section)
    section.add(*narrative.comparison.compare_rows(attribution.TAKEOVERS))
    section.add(*narrative.comparison.compare_rows(attribution.TAKEOVER_INVENTORY))
    return section


def loss_section(narrative: Narrative, event_id: str) -> Section:
    """A closing with a loss: the lot, the fill that closed it, and what led to the result."""
    (closing,) = (t for t in narrative.session.rows.takeovers if loss_event_id(t) == event_id)
    section = Section(f"The loss {event_id}: lot {closing.lot_id} of {closing.instrument_id}", rule="15")
    _add_lot(narrative, closing, section)
    _add_result(narrative, closing, section)
    same = {"lot_id": closing.lot_id, "closed_at": closing.closed_at, "close_fill_id": closing.close_fill_id}
    section.add(*narrative.comparison.compare_rows(attribution.TAKEOVERS, **same))
    given = "the wallet of the liquidator gets it at that instant, and " if is_recorded(closing) else ""
    section.write(
        f"The loss is an event of cause takeover and always covered: {given}it goes to the waterfall like any other "
        "deficit."
    )
    section.add(*narrative.comparison.compare_rows(attribution.NEGATIVE_BALANCES, event_id=event_id))
    return section


def source_text(row: OpenLot | Takeover) -> str:
    """Of whom a lot was taken over."""
    if row.from_account_id is None:
        return "unknown"
    return f"{row.from_account_id} {row.from_isolation}".strip()


def _add_closings(narrative: Narrative, closed: Sequence[Takeover], section: Section) -> None:
    if not closed:
        section.write("No lot was closed in the session.")
        return
    rows = [
        CitedRow(
            (
                *(when(t.closed_at), f"{t.lot_id} {t.instrument_id}", source_text(t)),
                f"{t.closed_by} {t.close_fill_id or ''}".strip(),
                *(Amount(t.quantity_e18), *_amounts(narrative, t)),
            ),
            _closing_fill(narrative, t),
        )
        for t in closed
    ]
    head = ("closed (UTC)", "lot", "taken from", "closed by", "quantity", *RESULT_HEAD)
    section.add(cited_table("Closings", head, rows, left=4))
    for currency in sorted({t.currency for t in closed}):
        results = [t.result for t in closed if t.currency == currency]
        text = sum_text([narrative.money(currency, result) for result in results])
        section.add(
            Formula("Σ results, to the insurance fund", text, narrative.money(currency, sum(results)))
        )


def _add_open(narrative: Narrative, lots: Sequence[OpenLot], section: Section) -> None:
    if not lots:
        section.write("No lot is open at the end of the session.")
        return
    marks, rows = narrative.session.market.closing_marks(), []
    for lot in lots:
        contract, mark_e18 = (
            narrative.session.market.contracts[lot.instrument_id],
            marks.get(lot.instrument_id),
        )
        worth: Cell = ""
        if mark_e18 is not None:
            value = contract.value_units(abs(lot.quantity_e18), mark_e18)
            side = 1 if lot.quantity_e18 > 0 else -1
            worth = narrative.money(lot.currency, contract.pnl_units(side, value, lot.open_value))
        cells = (when(lot.opened_at), f"{lot.lot_id} {lot.instrument_id}", source_text(lot))
        value_cell = narrative.money(lot.currency, lot.open_value)
        rows.append(CitedRow((*cells, Amount(lot.quantity_e18), value_cell, _optional(mark_e18), worth)))
    head = ("opened (UTC)", "lot", "taken from", "quantity", "open value", "mark", "unrealised result")
    section.add(cited_table("Open at the end", head, rows, left=3))


def _add_movements(narrative: Narrative, keys: set[UnitKey], section: Section) -> None:
    for movement in narrative.session.rows.fund_movements:
        mine = movement.kind in _GIVEN_BY_THE_FUND and _unit(movement) in keys
        if mine and movement.amount:  # of zero there is no movement of the fund
            section.add(*narrative.comparison.compare_movement(movement))


def _add_lot(narrative: Narrative, closing: Takeover, section: Section) -> None:
    quantity = Amount(abs(closing.quantity_e18))
    side = "long" if closing.quantity_e18 > 0 else "short"
    if is_recorded(closing):
        section.write(
            f"The lot was opened by fill {closing.lot_id} of {closing.account_id} at {when(closing.opened_at)} UTC, "
            f"{side}. It was taken from {source_text(closing)}: the client whose liquidation fill has the same trade "
            "and time."
            if closing.from_account_id
            else f"The lot was opened by fill {closing.lot_id} of {closing.account_id} at {when(closing.opened_at)} "
            f"UTC, {side}. No client's liquidation fill has its trade and time: of whom it was taken is unknown.",
            narrative.origins.fill(closing.lot_id),
        )
        how = f"Fill {closing.close_fill_id} closed"
    else:
        section.write(
            f"The lot was taken from {source_text(closing)} at {when(closing.opened_at)} UTC, {side}, by the "
            f"simulation (policy liquidation_style), and belongs to {closing.account_id}.",
            narrative.policy_source("liquidation_style"),
        )
        how = "By policy unwind_us its first tick from then on closed"
    by = "somebody was deleveraged against it" if closing.closed_by == "adl" else "to the market"
    section.write(
        f"{how} {quantity} {closing.instrument_id} of it at {when(closing.closed_at)} UTC ({closing.closed_by}: {by}).",
        *_closing_fill(narrative, closing),
    )


def _add_result(narrative: Narrative, t: Takeover, section: Section) -> None:
    contract = narrative.session.market.contracts[t.instrument_id]
    sign = contract.direction if t.quantity_e18 > 0 else -contract.direction

    def money(amount: int) -> Amount:
        return narrative.money(t.currency, amount)

    opened, closed = t.open_value, t.close_value
    if t.at_takeover is None or t.market_move is None or t.execution is None:
        section.write("A mark is missing at the opening or the closing, so the result is not taken apart.")
    else:
        at_opening = opened + sign * t.at_takeover
        at_closing = closed - sign * t.execution
        section.add(
            Formula(
                "at takeover = s·d·(V(r, mark at opening) − open value)",
                f"{sign:+} × ({money(at_opening)} − {money(opened)})",
                money(t.at_takeover),
            ),
            Formula(
                "market move = s·d·(V(r, mark at closing) − V(r, mark at opening))",
                f"{sign:+} × ({money(at_closing)} − {money(at_opening)})",
                money(t.market_move),
                narrative.origins.tick(t.instrument_id, t.closed_at + (not is_recorded(t))),
            ),
            Formula(
                "execution = s·d·(close value − V(r, mark at closing))",
                f"{sign:+} × ({money(closed)} − {money(at_closing)})",
                money(t.execution),
            ),
        )
    section.add(
        Formula(
            "result = s·d·(close value − open value) − fees",
            f"{sign:+} × ({money(closed)} − {money(opened)}) − {_in_sum(money(t.fees))}",
            money(t.result),
        )
    )


def _amounts(narrative: Narrative, t: Takeover) -> list[Cell]:
    amounts = (t.open_value, t.close_value, t.fees, t.at_takeover, t.market_move, t.execution, t.result)
    return ["" if amount is None else narrative.money(t.currency, amount) for amount in amounts]


def _closing_fill(narrative: Narrative, t: Takeover) -> tuple[Citation, ...]:
    if t.close_fill_id:
        return (narrative.origins.fill(t.close_fill_id),)
    return narrative.origins.tick(t.instrument_id, t.closed_at + 1)


def _optional(value_e18: int | None) -> Cell:
    return "" if value_e18 is None else Amount(value_e18)


def _in_sum(amount: Amount) -> str:
    return f"({amount})" if str(amount).startswith("-") else str(amount)


def _keys(narrative: Narrative) -> set[UnitKey]:
    """Units of the narrative, and those of simulated lots, which are no replayed unit's."""
    rows, mine = narrative.session.rows, narrative.session.account.account_id
    lots: list[OpenLot | Takeover] = [*rows.takeovers, *rows.lots]
    simulated = {_unit(row) for row in lots if not is_recorded(row)}
    return {unit.key for unit in narrative.units} | {key for key in simulated if key.account_id == mine}


def _unit(row: OpenLot | Takeover | FundMovement) -> UnitKey:
    return UnitKey(*(getattr(row, name) for name in UnitKey._fields))
