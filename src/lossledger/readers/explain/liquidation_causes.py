"""How a liquidation ended, and the causes of its terminal equity (sections 8 and 12)."""

from collections.abc import Sequence

from lossledger.engine.rows import EndedEpisode, LossComponent
from lossledger.readers.document.model import CitedRow, Formula, Section, cited_table
from lossledger.readers.explain.narrative import Narrative, sum_text, when

COMPONENTS = {
    "cushion": "the maintenance margin that stood between the trigger and zero: −MM0",
    "headroom": "equity above maintenance margin when the venue acted: −max(0, E0 − MM0)",
    "gap_in_cushion": "what the price had jumped into the cushion: min(max(0, MM0 − E0), MM0)",
    "gap_past_bankruptcy": "what it had jumped past bankruptcy: max(0, −E0)",
    "latency": "ticks from the trigger to the first liquidation fill",
    "market_move": "ticks after the first liquidation fill",
    "execution": "liquidation fills against the mark in force",
    "adl": "liquidation fills against which somebody was deleveraged, against the mark in force",
    "takeover": "liquidation fills that a liquidator took over, or the takeover itself, against the mark in force",
    "fees": "fees of all fills in the liquidation",
    "funding": "funding paid",
    "account_trading": "the account's other fills against the mark in force",
    "other_flows": "transfers and charges",
}


def add_end(narrative: Narrative, end: EndedEpisode, section: Section) -> None:
    how = {
        "flat": "the unit was flat, closed by liquidation fills",
        "self_closed": "the unit was flat, closed by the account itself",
        "recovered": "a tick found the unit no longer below its maintenance margin",
    }
    equity, deficit, surplus = (
        narrative.money(end.currency, amount) for amount in (end.terminal_equity, end.deficit, end.surplus)
    )
    ended = f"It ended at {when(end.ended_at)} UTC ({end.end_reason}): {how[end.end_reason]}."
    text = f"{ended} Its terminal equity TE was {equity}"
    if end.end_reason == "recovered":
        section.write(f"{text}; a liquidation that ends so has no deficit.")
        return
    section.write(f"{text}; deficit = max(0, −TE) = {deficit}.")
    if end.surplus:
        section.write(
            f"By policy residual: to_fund the {surplus} that were left go to the insurance fund as surplus.",
            narrative.policy_source("residual"),
        )


def add_causes(narrative: Narrative, end: EndedEpisode, section: Section) -> None:
    causes = [c for c in narrative.session.rows.components if c.episode_id == end.episode_id]
    order = list(COMPONENTS)
    causes.sort(key=lambda c: (order.index(c.component), c.instrument_id or ""))
    section.add(
        cited_table(
            "Why: every change of equity has one cause; positive amounts enlarge the deficit",
            ("component", "instrument", "what it is", "amount"),
            tuple(
                CitedRow(
                    (
                        c.component,
                        c.instrument_id or "",
                        COMPONENTS[c.component],
                        narrative.money(c.currency, c.amount),
                    )
                )
                for c in causes
            ),
            left=3,
        ),
        _sum_of(narrative, end, causes),
    )


def _sum_of(narrative: Narrative, end: EndedEpisode, causes: Sequence[LossComponent]) -> Formula:
    amounts = [narrative.money(end.currency, c.amount) for c in causes]
    total = sum(c.amount for c in causes)
    return Formula(
        f"Σ components = −TE = {narrative.money(end.currency, -end.terminal_equity)}",
        sum_text(amounts),
        narrative.money(end.currency, total),
    )
