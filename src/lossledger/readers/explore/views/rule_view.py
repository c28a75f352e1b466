"""One session's shortfall under every compared rule."""

from datetime import date

import streamlit as st

from lossledger.readers.charts.loss_charts import rules as drawn
from lossledger.readers.explore.questions import rule_questions
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, show_chart, show_table

_WIDTH = 900


def show(page: PageContext) -> None:
    st.header("Who would have paid under other rules", anchor=False)
    sessions = page.ask(rule_questions.sessions())
    if not sessions.kept:
        st.markdown("No published date has a shortfall, so there is nothing to share and nothing to compare.")
        return
    records = sessions.records()
    one, two = st.columns(2)
    with one:
        day = choose(
            "Session with a shortfall", list(dict.fromkeys(r["business_date"] for r in records)), "session"
        )
    with two:
        currency = choose(
            "Currency", [r["currency"] for r in records if r["business_date"] == day], "currency"
        )
    st.markdown(
        "Nothing of this is booked but the rule in force: a first-order comparison on the balances of that rule. "
        "The last two rules do not ask what an account has; *beyond chargeable* is what they charge past it."
    )
    totals = page.ask(rule_questions.totals(date.fromisoformat(day), currency))
    names = totals.column("rule")
    parts = [totals.amounts(n) for n in ("pays_most", "next_nine", "all_others", "uncovered")]
    stacked = [(name.replace("_", " "), amounts) for name, *amounts in zip(names, *parts, strict=True)]
    words = "; ".join(
        f"{r['rule'].replace('_', ' ')} charges {r['charged']} to {r['payers']} accounts"
        for r in totals.records()
    )
    show_chart(drawn(currency, stacked, _WIDTH), f"Shortfall of {day} in {currency} by rule: {words}.")
    show_table(page, totals, "No rule was compared.", day)
    show_table(
        page, page.ask(rule_questions.accounts(date.fromisoformat(day), currency, names)), "Nobody pays.", day
    )
