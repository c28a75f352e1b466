"""A liquidation or a negative balance: its path against the margin, the marks, the causes, the fills."""

from datetime import date

import streamlit as st

from lossledger.engine.errors import ConfigError
from lossledger.engine.figures import exact
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.engine.numbers import units_to_e18
from lossledger.readers.charts import path_charts as drawn
from lossledger.readers.charts.cause_chart import waterfall
from lossledger.readers.charts.loss_charts import Cause
from lossledger.readers.explain.liquidation_causes import COMPONENTS
from lossledger.readers.explore.questions import event_questions as events
from lossledger.readers.explore.questions import session_questions
from lossledger.readers.explore.questions.question import Answer
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, plain_text, show_chart, show_table

_WIDTH = 900
_ALL = 1000  # rows of a path: all of it, for the steps between the points matter


def show(page: PageContext) -> None:
    st.header("One event", anchor=False)
    event_id = st.text_input(
        "Event: an event_id or episode_id", key="event", bind="query-params", placeholder="nb-… or ep-…"
    )
    if not event_id:
        _offer(page)
        return
    found = events.find(page.dates, event_id.strip(), _date())
    st.markdown(f"**{plain_text(found.title)}**")
    show_table(page, found.balance, "It did not leave the unit below zero.")
    show_table(page, found.liquidation, "No liquidation belongs to it.")
    path = _path(page, found)
    if found.episode_id:
        _causes(page, found)
        show_table(
            page,
            page.ask(events.fills(found)),
            "No fill of the account lies in between.",
            found.day.isoformat(),
        )
    if path:
        show_table(page, path.equity, "", shown=_ALL)
        show_table(page, path.marks, "No instrument that the unit held had a tick.", shown=_ALL)
    st.markdown(
        f"Step by step, down to the delivered rows: `lossledger explain --warehouse … --event {event_id}`"
    )


def _date() -> date | None:
    """The date that the link names, which spares reading all the others."""
    try:
        return date.fromisoformat(st.query_params.get("date", ""))
    except ValueError:
        return None


def _offer(page: PageContext) -> None:
    """Without an id, offers the events of a date."""
    day = choose("Events of", [day.isoformat() for day in reversed(page.days)], "of")
    show_table(
        page, page.ask(session_questions.events(date.fromisoformat(day))), "No account fell below zero.", day
    )
    show_table(
        page, page.ask(session_questions.liquidations(date.fromisoformat(day))), "No liquidation ended.", day
    )


def _path(page: PageContext, found: events.PublishedEvent) -> events.UnitPath | None:
    """The charts; their tables come last."""
    try:
        path = events.path(page.dates, found)
    except ConfigError as error:
        st.warning(f"Its path cannot be told: {error}")
        return None
    if not path.points:
        st.markdown("Nothing happened to the unit in the session.")
        return None
    currency = found.key.currency
    marked = [drawn.TimeMark(parse_time_us(found.first), "triggered" if found.episode_id else "below zero")]
    if found.last != found.first:
        marked.append(drawn.TimeMark(parse_time_us(found.last), "ended"))
    start, end = path.points[0], path.points[-1]
    texts = [
        exact(units_to_e18(n, path.scale), path.scale)
        for n in (start.equity, start.margin, end.equity, end.margin)
    ]
    words = (
        f"Equity and maintenance margin of account {found.key.account_id} in {currency}. The chart begins with equity "
        f"{texts[0]} against a margin of {texts[1]} and ends with {texts[2]} against {texts[3]}."
    )
    st.subheader("Equity against maintenance margin, and the marks", anchor=False)
    st.markdown(
        f"{plain_text(words)} Recomputed by the reference from the ledger, at the versions that were published; "
        "it begins some ticks before the event."
    )
    of_equity = [(p.ts, units_to_e18(p.equity, path.scale)) for p in path.points]
    of_margin = [(p.ts, units_to_e18(p.margin, path.scale)) for p in path.points]
    show_chart(drawn.equity(currency, of_equity, of_margin, marked, _WIDTH), words)
    _marks(path.marks, marked)
    return path


def _marks(marks: Answer, marked: list[drawn.TimeMark]) -> None:
    for instrument_id in sorted(set(marks.column("instrument_id"))):
        rows = [n for n, name in enumerate(marks.column("instrument_id")) if name == instrument_id]
        times, prices = marks.column("ts"), marks.amounts("mark_price")
        points = [(parse_time_us(times[n]), prices[n]) for n in rows]
        words = f"The mark of {instrument_id} moves from {exact(points[0][1])} to {exact(points[-1][1])}."
        show_chart(drawn.marks(instrument_id, points, marked, _WIDTH), words)


def _causes(page: PageContext, found: events.PublishedEvent) -> None:
    causes = page.ask(events.causes(found))
    if causes.kept:
        amounts = causes.amounts("amount")
        bars = [Cause(name, name.replace("_", " "), amount)
                for name, amount in zip(causes.column("component"), amounts, strict=True)]  # fmt: skip
        sums = exact(sum(amounts), page.tables.scales[found.key.currency])
        words = f"{len(bars)} causes, which add up to {sums} {found.key.currency}: minus the terminal equity."
        st.subheader("Why", anchor=False)
        st.markdown(plain_text(words))
        show_chart(waterfall(found.key.currency, bars, "− terminal equity", _WIDTH), words)
    show_table(page, causes, "It has no causes: equity did not change from its start to its end.")
    with st.expander("What each cause is"):
        st.markdown(
            "\n".join(
                f"- **{n.replace('_', ' ')}**: {plain_text(meaning)}" for n, meaning in COMPONENTS.items()
            )
        )
