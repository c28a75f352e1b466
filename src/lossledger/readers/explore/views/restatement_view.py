"""The view of restated dates: when, why, and the values before and after."""

from datetime import date, datetime, timedelta

import streamlit as st

from lossledger.readers.explore.questions import restatement_questions, side_by_side
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, show_table


def show(page: PageContext) -> None:
    st.header("Restatements", anchor=False)
    found = page.ask(restatement_questions.restatements())
    show_table(
        page, found, "No date has been published anew: every number is the one that was published first."
    )
    if not found.kept:
        return
    show_table(page, page.ask(restatement_questions.reasons()), "No reason is noted.")
    options = [f"{row['business_date']}, restated {row['restated_at']}" for row in found.records()]
    chosen = found.records()[options.index(choose("Before and after", options, "restatement"))]
    day = date.fromisoformat(chosen["business_date"])
    moment = datetime.fromisoformat(chosen["restated_at"]) - timedelta(milliseconds=1)
    before, after = page.at(page.scenario, moment.isoformat()), page.at(page.scenario, chosen["run_id"])
    if day not in before.days:
        st.markdown("What was published before is not known as of that time.")
        return
    names, scales = ("before", "after"), dict(page.tables.scales)
    for question, title in (
        (side_by_side.totals(day, day), "What changed in losses and the fund"),
        (side_by_side.charged(day, day), "What changed in charges"),
    ):
        changed = side_by_side.differences(before.ask(question), after.ask(question), names, scales)
        changed.title = title
        show_table(page, changed, "Nothing of it changed.", chosen["business_date"])
