"""The view of one date: events, payers, reconciliation breaks."""

from datetime import date

import streamlit as st

from lossledger.readers.charts.loss_charts import paid
from lossledger.readers.explore.questions import session_questions
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, plain_text, show_chart, show_table
from lossledger.readers.footnotes import write_footnotes
from lossledger.readers.published_rows import PublishedRows

_WIDTH = 900


def show(page: PageContext) -> None:
    st.header("One date", anchor=False)
    days = [day.isoformat() for day in reversed(page.days)]
    chosen = choose("Date", days, "date")
    day = date.fromisoformat(chosen)
    losses = page.ask(session_questions.losses(day))
    show_table(page, losses, "Nothing is published for this date.", chosen)
    amounts = [losses.amounts(name) for name in ("deficit", "fund_draw", "socialised", "uncovered")]
    for row, deficit, *bearers in zip(losses.records(), *amounts, strict=True):
        if deficit:
            currency, (fund, charged, uncovered) = row["currency"], bearers
            words = (
                f"Of the covered deficits of {row['deficit']} {currency} the insurance fund paid {row['fund_draw']}, "
                f"accounts were charged {row['socialised']}, and {row['uncovered']} stays uncovered."
            )
            show_chart(paid(currency, [(chosen, fund, charged, uncovered)], _WIDTH), words)
    for title, sentences in write_footnotes(PublishedRows(page.tables, [day])):
        st.markdown(f"**{plain_text(title)}.** {plain_text(' '.join(sentences))}")
    show_table(page, page.ask(session_questions.events(day)), "No account fell below zero.", chosen)
    show_table(page, page.ask(session_questions.liquidations(day)), "No liquidation ended.", chosen)
    show_table(page, page.ask(session_questions.charges(day)), "Nobody was charged.", chosen)
    show_table(
        page,
        page.ask(session_questions.breaks(day)),
        "All reconciliations agree, to their tolerance.",
        chosen,
    )
