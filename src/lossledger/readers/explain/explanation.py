"""Explains an account's session or an event: recomputes each step and compares it with the published rows."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pyarrow.compute as pc

from lossledger.engine.clock import NEVER, iso
from lossledger.engine.errors import ConfigError
from lossledger.engine.events import UnitKey
from lossledger.engine.rules.lot_results import CAUSE, loss_event_id
from lossledger.engine.rules.version import RULES_VERSION
from lossledger.readers.document.model import Document, Section
from lossledger.readers.explain.account_session import PublishedDates, open_session
from lossledger.readers.explain.fund_draws import loss_sections
from lossledger.readers.explain.liquidation_story import episode_sections
from lossledger.readers.explain.narrative import Narrative, when
from lossledger.readers.explain.session_close import adl_section, close_section
from lossledger.readers.explain.shortfall_shares import session_section, sharing_sections
from lossledger.readers.explain.takeover_closings import lots_section
from lossledger.readers.explain.takeover_origins import origin_sections, taken_section
from lossledger.readers.explain.unit_events import events_section, start_section
from lossledger.readers.published_rows import Row, read_rows
from lossledger.schemas.attribution import LIQUIDATIONS, NEGATIVE_BALANCES

FORMAT = "lossledger-explanation-1"


def explain_account(dates: PublishedDates, account_id: str, day: date) -> Document:
    """An account in the session of a date. ConfigError: one of the two is not known."""
    narrative = Narrative(open_session(dates, account_id, day))
    sections = [
        start_section(narrative),
        events_section(narrative),
        *episode_sections(narrative),
        *loss_sections(narrative),
    ]
    sections += sharing_sections(narrative, _currencies(narrative))
    later = (adl_section(narrative), lots_section(narrative), taken_section(narrative))
    sections += [section for section in later if section is not None]
    sections.append(close_section(narrative, sections))
    return _explanation(f"Account {account_id} in the session of {day}", narrative, sections)


def explain_event(dates: PublishedDates, event_id: str) -> Document:
    """A liquidation (episode_id) or a negative balance (event_id). ConfigError: nothing published has this id."""
    row, day = _find(dates, event_id)
    key = UnitKey(row["account_id"], row["currency"], row["isolation"])
    narrative = Narrative(open_session(dates, key.account_id, day), (key,))
    if row.get("cause") == CAUSE:
        return _explain_takeover(dates, narrative, event_id)
    episode_id, events = _belonging(narrative, event_id)
    sections = [start_section(narrative), events_section(narrative)]
    if episode_id:
        sections += episode_sections(narrative, episode_id)
    sections += loss_sections(narrative, events)
    if any(event.protected for event in narrative.session.rows.negative_balances if event.event_id in events):
        sections.append(session_section(narrative, narrative.comparison.losses[key.currency]))
    taken = taken_section(narrative) if episode_id else None
    sections += [taken] if taken else []
    return _explanation(f"{event_id}: account {key.account_id} in the session of {day}", narrative, sections)


def _explain_takeover(dates: PublishedDates, narrative: Narrative, event_id: str) -> Document:
    """A loss of a lot: the closing, the client's liquidation that the lot came from, then who paid."""
    (closing,) = (t for t in narrative.session.rows.takeovers if loss_event_id(t) == event_id)
    closed, *paid = loss_sections(narrative, {event_id})
    sections = [closed, *origin_sections(dates, closing), *paid]
    sections.append(session_section(narrative, narrative.comparison.losses[closing.currency]))
    day = narrative.session.day.day
    title = f"{event_id}: a loss of {closing.account_id} with a position taken over, in the session of {day}"
    return _explanation(title, narrative, sections)


def _find(dates: PublishedDates, event_id: str) -> tuple[Row, date]:
    """The published row of an event, and its date."""
    for table, column in ((NEGATIVE_BALANCES, "event_id"), (LIQUIDATIONS, "episode_id")):
        for row in read_rows(dates.tables, table, None, pc.field(column) == event_id):
            return row, row["business_date"]
    raise ConfigError(
        f"no published event {event_id!r}: ids are in attribution.liquidations (episode_id, when it has ended) and "
        "attribution.negative_balances (event_id)"
    )


def _belonging(narrative: Narrative, event_id: str) -> tuple[str | None, set[str]]:
    """The liquidation and the negative balances of an event: those of its unit at the time the event ends."""
    rows, keys = narrative.session.rows, {unit.key for unit in narrative.units}
    mine = [e for e in rows.negative_balances if UnitKey(e.account_id, e.currency, e.isolation) in keys]
    for episode in rows.episodes:
        if episode.episode_id == event_id:
            return event_id, {e.event_id for e in mine if e.ts == episode.ended_at}
    return next((e.episode_id for e in mine if e.event_id == event_id), None), {event_id}


def _currencies(narrative: Narrative) -> list[str]:
    """Currencies in which the account has a unit and the session had losses, a charge or payers."""
    found = sorted({unit.key.currency for unit in narrative.units})
    losses = narrative.comparison.losses
    return [c for c in found if losses[c].events or losses[c].charge or losses[c].payers]


def _explanation(title: str, narrative: Narrative, sections: list[Section]) -> Document:
    draft = Document(title, tuple(sections))
    facts = tuple(_facts(narrative, draft))
    head = {"format": FORMAT, "title": title, "facts": dict(facts), "equal": not draft.differing}
    return replace(draft, facts=facts, head=head)


def _facts(narrative: Narrative, draft: Document) -> Iterator[tuple[str, str]]:
    session, day = narrative.session, narrative.session.day
    account = session.account
    terms = account.versions.at(day.end - 1)
    if terms is not None:
        text = f"{account.account_id}: {account.account_type}, {terms.client_class}"
        covered = "with" if terms.protected else "without"
        yield "account", text if account.is_liquidator else f"{text}, {covered} protection at the end"
    begin = "the beginning" if session.start == -NEVER else f"{when(day.start)} UTC"
    yield "session", f"{day.day}, from {begin} to before {when(day.end)} UTC"
    yield "published", f"by run {day.run_id} at {iso(day.published_at)}"
    pinned = (
        "as the publishing run read it" if session.pinned else "as it is now: the run has left no note of it"
    )
    yield "ledger", pinned
    compared = list(draft.comparisons())
    figures = sum(len(row.figures) for row in compared)
    verdict = f"{len(compared)} published rows with {figures} figures recomputed: "
    differing = draft.differing
    verdict += f"{len(differing)} rows differ" if differing else "all are equal"
    yield "verdict", verdict
    version = session.rules_version
    if differing and version and version != RULES_VERSION:
        yield (
            "rules",
            f"The date was published under version {version} of the rules and is recomputed under {RULES_VERSION}: "
            "what differs may do so for that alone. Run the date again to have it under today's.",
        )
    yield (
        "figures",
        "Every figure is recomputed by the reference rules from the sources named in brackets, but those "
        "marked read: what other accounts and the fund did is read from published tables.",
    )
