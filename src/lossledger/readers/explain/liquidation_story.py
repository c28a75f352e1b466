"""A liquidation from its trigger to its end (sections 6 to 8, 12)."""

from collections.abc import Iterator

from lossledger.engine.rows import EndedEpisode
from lossledger.engine.rules.episode import MARGIN, Episode
from lossledger.readers.document.model import Citation, Section
from lossledger.readers.explain.liquidation_causes import add_causes, add_end
from lossledger.readers.explain.liquidation_fills import add_fees, add_fills, add_taken
from lossledger.readers.explain.margin_breach import add_margin
from lossledger.readers.explain.narrative import Narrative, unit_name, when
from lossledger.readers.explain.unit_trace import FILL, TAKEN, TracedUnit
from lossledger.readers.published_mark_gaps import read_mark_gaps
from lossledger.schemas import attribution
from lossledger.schemas.ledger import UNIT_SESSIONS
from lossledger.schemas.ops import DQ_RESULTS


def episode_sections(narrative: Narrative, only: str | None = None) -> Iterator[Section]:
    """One for every liquidation that ended in the session or is open at its end; `only`: an episode_id."""
    ended = {row.episode_id: row for row in narrative.session.rows.episodes}
    for unit in narrative.units:
        for episode in unit.opened:
            episode_id = episode.episode_id(unit.key)
            if only is None or episode_id == only:
                yield _episode(narrative, unit, episode, ended.get(episode_id))


def _episode(narrative: Narrative, unit: TracedUnit, episode: Episode, end: EndedEpisode | None) -> Section:
    episode_id = episode.episode_id(unit.key)
    section = Section(f"Liquidation {episode_id} ({unit_name(unit.key)})", rule="6, 7, 8, 12")
    _add_start(narrative, unit, episode, section)
    _add_gaps(narrative, episode, section)
    add_margin(narrative, unit, episode, section)
    mine = [h for h in unit.entries if episode.triggered_at <= h.ts and (end is None or h.ts <= end.ended_at)]
    taken = [h for h in mine if h.kind == TAKEN]
    fills = [h for h in mine if h.kind == FILL]
    if fills or not taken:
        add_fills(narrative, unit, episode, fills, section)
    if taken:
        add_taken(narrative, unit, taken, section)
    if end is None:
        section.write(
            "The liquidation is still open at the end of the session: it is published on the date on which it ends."
        )
        return section
    add_end(narrative, end, section)
    add_fees(narrative, unit, mine, section)
    add_causes(narrative, end, section)
    for table in (
        attribution.LIQUIDATIONS,
        attribution.LIQUIDATION_POSITIONS,
        attribution.LOSS_COMPONENTS_TABLE,
    ):
        section.add(*narrative.comparison.compare_rows(table, episode_id=episode_id))
    return section


def _carried(narrative: Narrative, episode: Episode) -> bool:
    return episode.triggered_at < narrative.session.start


def _add_start(narrative: Narrative, unit: TracedUnit, episode: Episode, section: Section) -> None:
    currency, terms = unit.key.currency, narrative.terms(episode.triggered_at)
    equity, margin = narrative.money(currency, episode.equity), narrative.money(currency, episode.margin)
    if _carried(narrative, episode):
        place = {"business_date": narrative.session.inputs.previous, **unit.key._asdict()}
        section.write(
            f"It began at {when(episode.triggered_at)} UTC, in an earlier session. What it started with is read from "
            "the state that the session before left; its fills of that session are told with that date.",
            narrative.origins.before(UNIT_SESSIONS, place),
            read=True,
        )
    if episode.trigger == MARGIN:
        sign, words = ("≤", "at or below") if terms.trigger == "lte" else ("<", "below")
        section.write(
            f"At {when(episode.triggered_at)} UTC, after the ticks of that time, equity {equity} was {words} "
            f"maintenance margin {margin} ({equity} {sign} {margin}): by policy trigger: {terms.trigger} the unit is "
            "to be liquidated.",
            *_ticks(narrative, episode),
            narrative.policy_source("trigger"),
        )
    else:
        section.write(
            f"At {when(episode.triggered_at)} UTC the venue's first liquidation fill came while the recomputation saw "
            f"no breach: equity {equity} against maintenance margin {margin} just before it. The trigger is "
            "recorded_fill.",
            *_ticks(narrative, episode),
        )


def _add_gaps(narrative: Narrative, episode: Episode, section: Section) -> None:
    """Adds the published gaps in the marks of instruments that the unit held, of the session in which it began."""
    tables = narrative.session.dates.tables
    days = [day for day, row in tables.pins.days.items() if row.start <= episode.triggered_at < row.end]
    if not days and tables.pins.days:  # before the first session: its events belong to it
        days = [day for day, row in tables.pins.days.items() if row.first_date]
    for gap in read_mark_gaps(tables, days):
        if gap.instrument_id not in episode.held or gap.since >= episode.triggered_at:
            continue
        where = "in it" if episode.triggered_at < gap.until else "after it"
        key = f"business_date {gap.day}, expectation {gap.expectation}"
        section.write(
            f"{gap.instrument_id} had no mark for {gap.seconds:,} s while clients held it, from {when(gap.since)} to "
            f"{when(gap.until)} UTC. This liquidation starts {where}: what the unit was worth meanwhile is not known.",
            Citation(DQ_RESULTS.full_name, tables.warehouse.version(DQ_RESULTS), key),
            read=True,
        )


def _ticks(narrative: Narrative, episode: Episode) -> tuple[Citation, ...]:
    if _carried(narrative, episode):
        return ()
    found = (narrative.origins.tick(i, episode.starts_before) for i in sorted(episode.held))
    return tuple(source for sources in found for source in sources)
