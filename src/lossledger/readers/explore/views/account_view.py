"""The view of an account: charges, negative balances, deleveraging, balances."""

from datetime import date

import streamlit as st

from lossledger.engine.figures import exact
from lossledger.readers.charts.daily_charts import bars
from lossledger.readers.explore.questions import account_questions
from lossledger.readers.explore.questions.question import Answer
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import plain_text, show_chart, show_table

_WIDTH = 900


def show(page: PageContext) -> None:
    st.header("One account", anchor=False)
    account_id = st.text_input("Account", key="account", bind="query-params", placeholder="an account_id")
    if not account_id:
        show_table(page, page.ask(account_questions.most_charged()), "No account has been charged.")
        return
    charges = page.ask(account_questions.charges(account_id))
    st.markdown(f"**Account {plain_text(account_id)}**")
    for currency in sorted(set(charges.column("currency"))):
        _draw(page, charges, currency)
    show_table(page, charges, "It has never been charged.")
    show_table(page, page.ask(account_questions.events(account_id)), "It was never below zero.")
    show_table(page, page.ask(account_questions.deleveraged(account_id)), "It was never deleveraged.")
    balances = page.ask(account_questions.balances(account_id))
    show_table(page, balances, "No published date knows an account of this name: see the tables of a date.")


def _draw(page: PageContext, charges: Answer, currency: str) -> None:
    rows = [n for n, c in enumerate(charges.column("currency")) if c == currency]
    days, amounts = charges.column("business_date"), charges.amounts("charge")
    points = [(date.fromisoformat(days[n]), (amounts[n],)) for n in rows]
    whole = exact(sum(amounts[n] for n in rows), page.tables.scales[currency])
    counted = "1 session" if len(rows) == 1 else f"{len(rows)} sessions"
    words = f"It was charged {whole} {currency} in {counted}, from {points[0][0]} to {points[-1][0]}."
    st.markdown(plain_text(words))
    show_chart(bars(currency, "charge", {"charged": "yellow"}, points, _WIDTH), words)
