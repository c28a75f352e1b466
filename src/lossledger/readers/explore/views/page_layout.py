"""The page: choices in the sidebar, the chosen view in the main part."""

from collections.abc import Callable
from urllib.parse import urlencode

import streamlit as st

from lossledger.engine.errors import LossledgerError
from lossledger.readers.explore.views import (
    account_view,
    event_view,
    fund_view,
    restatement_view,
    rule_view,
    scenario_view,
    session_view,
)
from lossledger.readers.explore.views.page_context import PageContext, open_page
from lossledger.readers.explore.views.widgets import choose
from lossledger.store.places import Place
from lossledger.store.scenario_folders import PUBLISHED, scenario_names

VIEWS: dict[str, tuple[str, Callable[[PageContext], None]]] = {
    "fund": ("over time, with its draws", fund_view.show),
    "date": ("what happened, who bore it", session_view.show),
    "event": ("its path, the marks, the causes", event_view.show),
    "account": ("its history of charges", account_view.show),
    "rules": ("the same loss under other rules", rule_view.show),
    "scenarios": ("what if, side by side", scenario_view.show),
    "restatements": ("what was published anew", restatement_view.show),
}


def show(root: Place) -> None:
    st.set_page_config("Lossledger", layout="wide", initial_sidebar_state="auto")
    st.title("Lossledger", anchor=False)
    try:
        with st.sidebar:
            view, page = _chosen(root)
        if not page.days:
            st.warning("No date is published: lossledger run publishes.")
            return
        VIEWS[view][1](page)
        _link(page)
    except LossledgerError as error:
        st.error(str(error))


def _chosen(root: Place) -> tuple[str, PageContext]:
    captions = [caption for caption, _ in VIEWS.values()]
    view = st.radio("View", list(VIEWS), key="view", bind="query-params", captions=captions)
    scenario = choose("Tables", [PUBLISHED, *scenario_names(root)], "scenario")
    as_of = st.text_input("As published at", key="as_of", bind="query-params", placeholder="now",
                          help="A time (UTC), YYYY-MM-DDTHH:MM:SSZ, or the id of a run; empty: now")  # fmt: skip
    page = open_page(root, None if scenario == PUBLISHED else scenario, as_of or None)
    days = page.days
    st.caption(f"{root}: {len(days)} dates, {days[0]} to {days[-1]}" if days else f"{root}: no date yet")
    return view, page


def _link(page: PageContext) -> None:
    """Shows a link that pins the page to what is published now."""
    st.divider()
    st.subheader("Link to this view", anchor=False)
    st.markdown("The address of this page is a link to it. This one shows the same after a restatement too:")
    given = dict(st.query_params)
    if not page.as_of:
        newest = max(page.tables.pins.days.values(), key=lambda row: row.published_at)
        given["as_of"] = newest.run_id
    address = (st.context.url or "").partition("?")[0]
    st.code(f"{address}?{urlencode(given)}", language=None, wrap_lines=True)
