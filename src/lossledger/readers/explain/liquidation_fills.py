"""A liquidation's fills and the receiver of their fees (rules.md sections 8 and 10)."""

from collections.abc import Sequence

from lossledger.engine.events import UnitKey
from lossledger.engine.rules.episode import Episode
from lossledger.readers.document.model import CitedRow, Section, cited_table
from lossledger.readers.document.values import Amount
from lossledger.readers.explain.margin_breach import bankruptcy_price
from lossledger.readers.explain.narrative import Narrative, when
from lossledger.readers.explain.unit_trace import TracedUnit, TraceEntry

_SIMULATION = ("execution", "latency_us", "slippage_rate", "liquidation_fee_rate")


def add_fills(
    narrative: Narrative, unit: TracedUnit, episode: Episode, fills: Sequence[TraceEntry], section: Section
) -> None:
    currency = unit.key.currency
    if not fills:
        section.write("No fill was made on the unit while the liquidation was open in this session.")
        return
    rows = []
    for h in fills:
        fill, held = h.fill, episode.held.get(h.instrument_id)
        if fill is None:
            continue
        bankrupt = bankruptcy_price(narrative, h.instrument_id, held, episode.equity) if held else "none"
        value = narrative.session.market.contracts[h.instrument_id].value_units(
            fill.quantity_e18, fill.price_e18
        )
        name = f"{fill.kind} {fill.fill_id}".strip() + (" (met by ADL)" if fill.met_by_adl else "")
        cells = (
            *(when(h.ts), f"{name}: {'buys' if fill.side > 0 else 'sells'} {h.instrument_id}"),
            *(Amount(fill.quantity_e18), Amount(fill.price_e18), Amount(h.mark_e18), bankrupt),
            *(
                narrative.money(currency, n)
                for n in (value, h.change, h.amount + fill.fee, fill.fee, h.equity)
            ),
        )
        own = (narrative.origins.fill(fill.fill_id),) if fill.fill_id else ()
        rows.append(CitedRow(cells, (*own, *narrative.origins.tick(h.instrument_id, _mark_before(h)))))
    head = (
        *("time (UTC)", "fill", "quantity", "price", "mark in force", "bankruptcy price (rounded)"),
        *("value V(n, p)", "equity change at the mark, fee excluded", "realised PnL", "fee", "equity after"),
    )
    section.add(cited_table("Fills in the liquidation", head, rows, left=2))
    if episode.execution == "simulated":
        terms = narrative.terms(episode.triggered_at)
        section.write(
            f"Execution is simulated (policy execution: simulated): from {terms.latency_us} microseconds after the "
            "trigger on, every held instrument with a tick is closed in full, a long at bid × (1 − slippage_rate), a "
            f"short at ask × (1 + slippage_rate), slippage_rate {Amount(terms.slippage_rate)}, to the tick size; fee = "
            f"round(V × {Amount(terms.liquidation_fee_rate)}). The venue's own liquidation fills are not used.",
            *map(narrative.policy_source, _SIMULATION),
        )


def add_taken(narrative: Narrative, unit: TracedUnit, taken: Sequence[TraceEntry], section: Section) -> None:
    """Adds the positions that a simulated takeover gave to the insurance fund, and the value of each (section 15)."""
    at = taken[0].ts
    lots = [
        lot
        for lot in narrative.session.rows.lots
        if (lot.from_account_id, lot.currency, lot.from_isolation) == unit.key and lot.opened_at == at
    ]
    rows, parts = [], []
    for entry, lot in zip(taken, sorted(lots, key=lambda lot: lot.instrument_id), strict=True):
        contract, mark_e18 = narrative.session.market.contracts[lot.instrument_id], entry.mark_e18 or 0
        value = contract.value_units(abs(lot.quantity_e18), mark_e18)
        parts.append(contract.pnl_units(1 if lot.quantity_e18 > 0 else -1, value, lot.open_value))
        amounts = [narrative.money(lot.currency, n) for n in (value, parts[-1], lot.open_value)]
        quantity, mark = Amount(lot.quantity_e18), Amount(mark_e18)
        rows.append(
            CitedRow(
                (lot.instrument_id, lot.lot_id, quantity, mark, *amounts),
                narrative.origins.tick(lot.instrument_id, at + 1),
            )
        )
    worth = narrative.money(unit.key.currency, sum(parts))
    section.write(
        f"At {when(at)} UTC the whole unit was taken over on the insurance fund's account, and nothing of it went to "
        f"the market. Of what it was worth, equity + debt, {worth} went to the fund with the positions, cut by their "
        "maintenance margins: each goes at its value at the mark less its part.",
        narrative.policy_source("liquidation_style"),
    )
    head = ("instrument", "lot", "quantity", "mark", "V(|Q|, mark)", "part e", "value X = V − s·d·e")
    section.add(cited_table("Taken over", head, rows, left=2))


def _mark_before(entry: TraceEntry) -> int:
    """A recorded fill comes before the ticks of its time, a simulated one after them (rules.md section 4)."""
    return entry.ts if entry.ref else entry.ts + 1


def add_fees(narrative: Narrative, unit: TracedUnit, mine: Sequence[TraceEntry], section: Section) -> None:
    """Adds the receiver of the liquidation fees and of the surplus, and compares the fund's movements."""
    times = {entry.ts for entry in mine}
    movements = [
        m
        for m in narrative.session.rows.fund_movements
        if UnitKey(m.account_id, m.currency, m.isolation) == unit.key and m.ts in times
    ]
    fees = sum(h.fill.fee for h in mine if h.fill is not None and h.fill.kind == "liquidation")
    to_fund = sum(m.amount for m in movements if m.kind == "liquidation_fee")
    if fees:
        paid, kept, rest = (narrative.money(unit.key.currency, n) for n in (fees, to_fund, fees - to_fund))
        section.write(
            f"The fees of its liquidation fills in the session are {paid}: {kept} for the insurance fund and {rest} "
            "for the venue (policy liquidation_fee_to).",
            narrative.policy_source("liquidation_fee_to"),
        )
    for movement in movements:
        section.add(*narrative.comparison.compare_movement(movement))
