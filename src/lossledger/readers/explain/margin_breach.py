"""Equity and maintenance margin when a liquidation began, and the bankruptcy price (sections 6 and 7, outputs.md)."""

from bisect import bisect_right
from fractions import Fraction

from lossledger.engine.numbers import E18
from lossledger.engine.rules.contracts import INVERSE
from lossledger.engine.rules.episode import Episode, Held
from lossledger.readers.document.model import CitedRow, Formula, Section, cited_table
from lossledger.readers.document.values import Amount
from lossledger.readers.explain.narrative import Narrative, as_fraction, round_fraction, sum_text
from lossledger.readers.explain.unit_trace import TracedUnit


def add_margin(narrative: Narrative, unit: TracedUnit, episode: Episode, section: Section) -> None:
    """Equity and maintenance margin at the start, position by position."""
    currency = unit.key.currency
    carried = episode.triggered_at < narrative.session.start
    rows: list[CitedRow] = []
    wallet = episode.equity
    for instrument_id, held in sorted(episode.held.items()):
        value, unrealised = _worth(narrative, instrument_id, held)
        wallet -= unrealised
        amounts = (value, held.entry_value, unrealised, held.maintenance_margin)
        tier = _tier(narrative, instrument_id, value, episode.triggered_at)
        bankrupt = bankruptcy_price(narrative, instrument_id, held, episode.equity)
        n, entry, pnl, margin = (narrative.money(currency, amount) for amount in amounts)
        cells = (instrument_id, Amount(held.quantity_e18), Amount(held.mark_e18), n, entry, pnl)
        sources = narrative.origins.tick(instrument_id, episode.starts_before) if not carried else ()
        tiers = narrative.origins.reference("margin_tiers", f"instrument_id {instrument_id}")
        terms = narrative.origins.reference("instruments", f"instrument_id {instrument_id}")
        rows.append(CitedRow((*cells, *tier, margin, bankrupt), (*sources, tiers, terms)))
    head = (
        *("instrument", "quantity", "mark", "value n = V(|Q|, mark)", "entry value EV"),
        *("uPnL = s·d·(n − EV)", "tier from n", "rate", "deduction", "MM = ceil(n × rate − deduction)"),
        "bankruptcy price (rounded)",
    )
    section.add(cited_table("Positions at the start of the liquidation", head, rows))
    pnls = [row.cells[5] for row in rows]
    section.add(
        Formula(
            "equity E0 = wallet + Σ uPnL",
            sum_text([narrative.money(currency, wallet), *pnls]),
            narrative.money(currency, episode.equity),
        ),
        Formula(
            "maintenance margin MM0 = Σ MM",
            sum_text([row.cells[9] for row in rows]),
            narrative.money(currency, episode.margin),
        ),
    )


def _worth(narrative: Narrative, instrument_id: str, held: Held) -> tuple[int, int]:
    """Value and unrealised PnL of a position; before its first tick EV and 0."""
    contract = narrative.session.market.contracts[instrument_id]
    if held.mark_e18 is None or not held.quantity_e18:
        return held.entry_value, 0
    value = contract.value_units(abs(held.quantity_e18), held.mark_e18)
    return value, contract.pnl_units(1 if held.quantity_e18 > 0 else -1, value, held.entry_value)


def _tier(narrative: Narrative, instrument_id: str, notional: int, ts: int) -> tuple[Amount, Amount, Amount]:
    """Floor, rate and deduction of the tier with the largest floor ≤ n, in the table effective at ts."""
    session = narrative.session
    table, _ = session.market.tiers[instrument_id].at(ts)
    steps = table.steps()
    tier = bisect_right([floor for floor, _, _ in steps], notional * E18) - 1
    floor, rate_e18, deduction_e36 = steps[tier]
    scale = session.scale(session.market.contracts[instrument_id].currency)
    deduction = Fraction(deduction_e36, 10 ** (36 + scale))
    return Amount(floor // 10**scale), Amount(rate_e18), round_fraction(deduction, 18)


def bankruptcy_price(narrative: Narrative, instrument_id: str, held: Held, equity: int) -> Amount | str:
    """The mark at which the unit's equity at the start would be zero, all other marks unchanged (outputs.md).

    Linear and quanto: mark − s·E0 / (|Q| · multiplier); inverse: 1/p = 1/mark + s·E0 / (|Q| · multiplier).
    """
    if held.mark_e18 is None or not held.quantity_e18:
        return "none"
    contract = narrative.session.market.contracts[instrument_id]
    size = as_fraction(abs(held.quantity_e18)) * as_fraction(contract.multiplier_e18)
    per_size = Fraction(equity, 10**contract.scale) / size * (1 if held.quantity_e18 > 0 else -1)
    mark = as_fraction(held.mark_e18)
    if contract.kind == INVERSE:
        inverse = 1 / mark + per_size
        price = 1 / inverse if inverse > 0 else None
    else:
        price = mark - per_size
    return round_fraction(price, 8) if price is not None and price > 0 else "none"
