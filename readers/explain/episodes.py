"""A liquidation from its trigger to its end: marks, tiers, fills, why it ended where it did (sections 6 to 8, 12)."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from fractions import Fraction

from engine.events import UnitKey
from engine.numbers import E18
from engine.rows import EndedEpisode, LossComponent
from engine.rules.contracts import INVERSE
from engine.rules.episode import MARGIN, Episode, Held
from readers.explain.document import Formula, Grid, Number, Row, Section, Source
from readers.explain.teller import Teller, added, as_fraction, fraction, unit_name, when
from readers.explain.trace import FILL, Happening, TracedUnit
from schemas import attribution
from schemas.ledger import UNIT_SESSIONS

_SIMULATION = ("execution", "latency_us", "slippage_rate", "liquidation_fee_rate")
_COMPONENTS = {
    "cushion": "the maintenance margin that stood between the trigger and zero: −MM0",
    "headroom": "equity above maintenance margin when the venue acted: −max(0, E0 − MM0)",
    "gap_in_cushion": "what the price had jumped into the cushion: min(max(0, MM0 − E0), MM0)",
    "gap_past_bankruptcy": "what it had jumped past bankruptcy: max(0, −E0)",
    "latency": "ticks from the trigger to the first liquidation fill",
    "market_move": "ticks after the first liquidation fill",
    "execution": "liquidation fills against the mark in force",
    "adl": "liquidation fills against which somebody was deleveraged, against the mark in force",
    "fees": "fees of all fills in the liquidation",
    "funding": "funding paid",
    "account_trading": "the account's other fills against the mark in force",
    "other_flows": "transfers and charges",
}


def episode_sections(teller: Teller, only: str | None = None) -> Iterator[Section]:
    """One for every liquidation that ended in the session or is open at its end; `only`: an episode_id."""
    ended = {row.episode_id: row for row in teller.session.rows.episodes}
    for unit in teller.units:
        for episode in unit.opened:
            episode_id = episode.episode_id(unit.key)
            if only is None or episode_id == only:
                yield _episode(teller, unit, episode, ended.get(episode_id))


def _episode(teller: Teller, unit: TracedUnit, episode: Episode, end: EndedEpisode | None) -> Section:
    episode_id = episode.episode_id(unit.key)
    section = Section(f"Liquidation {episode_id} ({unit_name(unit.key)})", "6, 7, 8, 12")
    _tell_start(teller, unit, episode, section)
    _tell_margin(teller, unit, episode, section)
    mine = [
        h for h in unit.happenings if episode.triggered_at <= h.ts and (end is None or h.ts <= end.ended_at)
    ]
    _tell_fills(teller, unit, episode, [h for h in mine if h.kind == FILL], section)
    if end is None:
        section.say(
            "The liquidation is still open at the end of the session: it is published on the date on which it ends."
        )
        return section
    _tell_end(teller, end, section)
    _tell_fees(teller, unit, mine, section)
    _tell_causes(teller, end, section)
    for table in (
        attribution.LIQUIDATIONS,
        attribution.LIQUIDATION_POSITIONS,
        attribution.LOSS_COMPONENTS_TABLE,
    ):
        section.add(*teller.comparison.compared(table, episode_id=episode_id))
    return section


def _carried(teller: Teller, episode: Episode) -> bool:
    return episode.triggered_at < teller.session.start


def _tell_start(teller: Teller, unit: TracedUnit, episode: Episode, section: Section) -> None:
    currency, terms = unit.key.currency, teller.terms(episode.triggered_at)
    equity, margin = teller.money(currency, episode.equity), teller.money(currency, episode.margin)
    if _carried(teller, episode):
        place = {"business_date": teller.session.inputs.previous, **unit.key._asdict()}
        section.say(
            f"It began at {when(episode.triggered_at)} UTC, in an earlier session. What it started with is read from "
            "the state that the session before left; its fills of that session are told with that date.",
            teller.origins.before(UNIT_SESSIONS, place),
            read=True,
        )
    if episode.trigger == MARGIN:
        sign, words = ("≤", "at or below") if terms.trigger == "lte" else ("<", "below")
        section.say(
            f"At {when(episode.triggered_at)} UTC, after the ticks of that time, equity {equity} was {words} "
            f"maintenance margin {margin} ({equity} {sign} {margin}): by policy trigger: {terms.trigger} the unit is "
            "to be liquidated.",
            *_ticks(teller, episode),
            teller.policy_source("trigger"),
        )
    else:
        section.say(
            f"At {when(episode.triggered_at)} UTC the venue's first liquidation fill came while the recomputation saw "
            f"no breach: equity {equity} against maintenance margin {margin} just before it. The trigger is "
            "recorded_fill.",
            *_ticks(teller, episode),
        )


def _ticks(teller: Teller, episode: Episode) -> tuple[Source, ...]:
    if _carried(teller, episode):
        return ()
    found = (teller.origins.tick(i, episode.starts_before) for i in sorted(episode.held))
    return tuple(source for sources in found for source in sources)


def _tell_margin(teller: Teller, unit: TracedUnit, episode: Episode, section: Section) -> None:
    """Equity and maintenance margin at the start, position by position."""
    currency = unit.key.currency
    rows: list[Row] = []
    wallet = episode.equity
    for instrument_id, held in sorted(episode.held.items()):
        value, unrealised = _worth(teller, instrument_id, held)
        wallet -= unrealised
        amounts = (value, held.entry_value, unrealised, held.maintenance_margin)
        tier = _tier(teller, instrument_id, value, episode.triggered_at)
        bankrupt = bankruptcy_price(teller, instrument_id, held, episode.equity)
        n, entry, pnl, margin = (teller.money(currency, amount) for amount in amounts)
        cells = (instrument_id, Number(held.quantity_e18), Number(held.mark_e18), n, entry, pnl)
        sources = (
            teller.origins.tick(instrument_id, episode.starts_before) if not _carried(teller, episode) else ()
        )
        tiers = teller.origins.reference("margin_tiers", f"instrument_id {instrument_id}")
        terms = teller.origins.reference("instruments", f"instrument_id {instrument_id}")
        rows.append(Row((*cells, *tier, margin, bankrupt), (*sources, tiers, terms)))
    head = (
        *("instrument", "quantity", "mark", "value n = V(|Q|, mark)", "entry value EV"),
        *("uPnL = s·d·(n − EV)", "tier from n", "rate", "deduction", "MM = ceil(n × rate − deduction)"),
        "bankruptcy price (rounded)",
    )
    section.add(Grid("Positions at the start of the liquidation", head, tuple(rows)))
    pnls = [row.cells[5] for row in rows]
    section.add(
        Formula(
            "equity E0 = wallet + Σ uPnL",
            added([teller.money(currency, wallet), *pnls]),
            teller.money(currency, episode.equity),
        ),
        Formula(
            "maintenance margin MM0 = Σ MM",
            added([row.cells[9] for row in rows]),
            teller.money(currency, episode.margin),
        ),
    )


def _worth(teller: Teller, instrument_id: str, held: Held) -> tuple[int, int]:
    """Value and unrealised PnL of a position; before its first tick EV and 0."""
    contract = teller.session.market.contracts[instrument_id]
    if held.mark_e18 is None or not held.quantity_e18:
        return held.entry_value, 0
    value = contract.value_units(abs(held.quantity_e18), held.mark_e18)
    return value, contract.pnl_units(1 if held.quantity_e18 > 0 else -1, value, held.entry_value)


def _tier(teller: Teller, instrument_id: str, notional: int, ts: int) -> tuple[Number, Number, Number]:
    """Floor, rate and deduction of the tier with the largest floor ≤ n, in the table effective at ts."""
    session = teller.session
    table, _ = session.market.tiers[instrument_id].at(ts)
    steps = table.steps()
    tier = bisect_right([floor for floor, _, _ in steps], notional * E18) - 1
    floor, rate_e18, deduction_e36 = steps[tier]
    scale = session.scale(session.market.contracts[instrument_id].currency)
    deduction = Fraction(deduction_e36, 10 ** (36 + scale))
    return Number(floor // 10**scale), Number(rate_e18), fraction(deduction, 18)


def bankruptcy_price(teller: Teller, instrument_id: str, held: Held, equity: int) -> Number | str:
    """At which the unit's equity at the start would be zero, all other marks unchanged (outputs.md).

    Linear and quanto: mark − s·E0 / (|Q| · multiplier); inverse: 1/p = 1/mark + s·E0 / (|Q| · multiplier).
    """
    if held.mark_e18 is None or not held.quantity_e18:
        return "none"
    contract = teller.session.market.contracts[instrument_id]
    size = as_fraction(abs(held.quantity_e18)) * as_fraction(contract.multiplier_e18)
    per_size = Fraction(equity, 10**contract.scale) / size * (1 if held.quantity_e18 > 0 else -1)
    mark = as_fraction(held.mark_e18)
    if contract.kind == INVERSE:
        inverse = 1 / mark + per_size
        price = 1 / inverse if inverse > 0 else None
    else:
        price = mark - per_size
    return fraction(price, 8) if price is not None and price > 0 else "none"


def _tell_fills(
    teller: Teller, unit: TracedUnit, episode: Episode, fills: Sequence[Happening], section: Section
) -> None:
    currency = unit.key.currency
    if not fills:
        section.say("No fill was made on the unit while the liquidation was open in this session.")
        return
    rows = []
    for h in fills:
        fill, held = h.fill, episode.held.get(h.instrument_id)
        if fill is None:
            continue
        bankrupt = bankruptcy_price(teller, h.instrument_id, held, episode.equity) if held else "none"
        value = teller.session.market.contracts[h.instrument_id].value_units(
            fill.quantity_e18, fill.price_e18
        )
        name = f"{fill.kind} {fill.fill_id}".strip() + (" (met by ADL)" if fill.met_by_adl else "")
        cells = (
            *(when(h.ts), f"{name}: {'buys' if fill.side > 0 else 'sells'} {h.instrument_id}"),
            *(Number(fill.quantity_e18), Number(fill.price_e18), Number(h.mark_e18), bankrupt),
            *(teller.money(currency, n) for n in (value, h.change, h.amount + fill.fee, fill.fee, h.equity)),
        )
        own = (teller.origins.fill(fill.fill_id),) if fill.fill_id else ()
        rows.append(Row(cells, (*own, *teller.origins.tick(h.instrument_id, _mark_before(h)))))
    head = (
        *("time (UTC)", "fill", "quantity", "price", "mark in force", "bankruptcy price (rounded)"),
        *("value V(n, p)", "equity change at the mark, fee excluded", "realised PnL", "fee", "equity after"),
    )
    section.add(Grid("Fills in the liquidation", head, tuple(rows), left=2))
    if episode.execution == "simulated":
        terms = teller.terms(episode.triggered_at)
        section.say(
            f"Execution is simulated (policy execution: simulated): from {terms.latency_us} microseconds after the "
            "trigger on, every held instrument with a tick is closed in full, a long at bid × (1 − slippage_rate), a "
            f"short at ask × (1 + slippage_rate), slippage_rate {Number(terms.slippage_rate)}, to the tick size; fee = "
            f"round(V × {Number(terms.liquidation_fee_rate)}). The venue's own liquidation fills are not used.",
            *map(teller.policy_source, _SIMULATION),
        )


def _mark_before(happening: Happening) -> int:
    """A recorded fill comes before the ticks of its time, a simulated one after them (rules.md section 4)."""
    return happening.ts if happening.ref else happening.ts + 1


def _tell_end(teller: Teller, end: EndedEpisode, section: Section) -> None:
    how = {
        "flat": "the unit was flat, closed by liquidation fills",
        "self_closed": "the unit was flat, closed by the account itself",
        "recovered": "a tick found the unit no longer below its maintenance margin",
    }
    equity, deficit, surplus = (
        teller.money(end.currency, amount) for amount in (end.terminal_equity, end.deficit, end.surplus)
    )
    ended = f"It ended at {when(end.ended_at)} UTC ({end.end_reason}): {how[end.end_reason]}."
    told = f"{ended} Its terminal equity TE was {equity}"
    if end.end_reason == "recovered":
        section.say(f"{told}; a liquidation that ends so has no deficit.")
        return
    section.say(f"{told}; deficit = max(0, −TE) = {deficit}.")
    if end.surplus:
        section.say(
            f"By policy residual: to_fund the {surplus} that were left go to the insurance fund as surplus.",
            teller.policy_source("residual"),
        )


def _tell_fees(teller: Teller, unit: TracedUnit, mine: Sequence[Happening], section: Section) -> None:
    """Where the fees of the session's liquidation fills went, and the surplus: the fund's movements, compared."""
    times = {happening.ts for happening in mine}
    movements = [
        m
        for m in teller.session.rows.fund_movements
        if UnitKey(m.account_id, m.currency, m.isolation) == unit.key and m.ts in times
    ]
    fees = sum(h.fill.fee for h in mine if h.fill is not None and h.fill.kind == "liquidation")
    to_fund = sum(m.amount for m in movements if m.kind == "liquidation_fee")
    if fees:
        paid, kept, rest = (teller.money(unit.key.currency, n) for n in (fees, to_fund, fees - to_fund))
        section.say(
            f"The fees of its liquidation fills in the session are {paid}: {kept} for the insurance fund and {rest} "
            "for the venue (policy liquidation_fee_to).",
            teller.policy_source("liquidation_fee_to"),
        )
    for movement in movements:
        section.add(*teller.comparison.movement(movement))


def _tell_causes(teller: Teller, end: EndedEpisode, section: Section) -> None:
    causes = [c for c in teller.session.rows.components if c.episode_id == end.episode_id]
    order = list(_COMPONENTS)
    causes.sort(key=lambda c: (order.index(c.component), c.instrument_id or ""))
    section.add(
        Grid(
            "Why: every change of equity has one cause; positive amounts enlarge the deficit",
            ("component", "instrument", "what it is", "amount"),
            tuple(
                Row(
                    (
                        c.component,
                        c.instrument_id or "",
                        _COMPONENTS[c.component],
                        teller.money(c.currency, c.amount),
                    )
                )
                for c in causes
            ),
            left=3,
        ),
        _sum_of(teller, end, causes),
    )


def _sum_of(teller: Teller, end: EndedEpisode, causes: Sequence[LossComponent]) -> Formula:
    amounts = [teller.money(end.currency, c.amount) for c in causes]
    total = sum(c.amount for c in causes)
    return Formula(
        f"Σ components = −TE = {teller.money(end.currency, -end.terminal_equity)}",
        added(amounts),
        teller.money(end.currency, total),
    )
