"""What every view is made of: a table with its CSV and SQL, a chart with its words, a choice that the address keeps."""

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from lossledger.readers.charts.dark_theme import spec
from lossledger.readers.explore.questions.question import Answer
from lossledger.readers.explore.views.page_context import PageContext

SHOWN = 100  # rows of a table on the page; its CSV has all
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~$:^=&@/'\"])")
_LINKS = {
    "account_id": "account",
    "event_id": "event",
    "episode_id": "event",
    "business_date": "date",
    "currency": "fund",
}  # each table has one of them: a keyboard can scroll a table with something to focus in it


def choose(label: str, options: Sequence[str], key: str, at: int = 0) -> str:
    """A choice that stands in the address; what is not among the options there is ignored."""
    chosen: str = st.selectbox(label, options, index=at, key=key, bind="query-params", filter_mode="contains")
    return chosen


def show_table(page: PageContext, answer: Answer, nothing: str, day: str = "", shown: int = SHOWN) -> None:
    """Heading, rows, CSV and SQL. `nothing`: what no row means. `day`: the date of rows that do not name theirs."""
    st.subheader(answer.title, anchor=False)
    if answer.kept:
        records = answer.records()[:shown]
        columns = {_heading(n): [_cell(page, n, row, day) for row in records] for n in answer.names}
        numbers = [
            _heading(n) for n, kind in zip(answer.names, answer.kinds, strict=True) if _is_number(kind)
        ]
        # exact text, not numbers: a table of floats would round amounts
        right = {"text-align": "right", "font-variant-numeric": "tabular-nums", "white-space": "nowrap"}
        dates = [_heading(n) for n, kind in zip(answer.names, answer.kinds, strict=True) if kind == "DATE"]
        styled = pd.DataFrame(columns).style.set_properties(subset=numbers, **right)
        styled = styled.set_properties(subset=dates, **{"white-space": "nowrap"})
        st.table(styled, border="horizontal", width="content", hide_index=True, alt=answer.title)
        if len(answer.kept) > shown:
            st.markdown(f"The first {shown} of {len(answer.kept):,} rows; the CSV has all.")
    else:
        st.markdown(nothing)
    _below(answer)


def _below(answer: Answer) -> None:
    name = re.sub(r"\W+", "-", answer.title.lower()).strip("-")
    left, right = st.columns([1, 4], vertical_alignment="top")
    counted = f"CSV: {len(answer.kept):,} {'row' if len(answer.kept) == 1 else 'rows'}"
    if answer.kept:
        left.download_button(
            counted, answer.csv().encode(), f"{name}.csv", "text/csv",
            key=f"csv-{name}", on_click="ignore", help=f"{answer.title}: every row, every digit",
        )  # fmt: skip
    if answer.sql:
        with right.expander(f"SQL of: {answer.title}"):
            st.code(answer.sql, language="sql", wrap_lines=True)


def show_chart(chart: Any, words: str) -> None:
    """`words`: what it shows, for who does not see it; the table beside it has the figures."""
    dark = st.context.theme.type == "dark"
    st.vega_lite_chart(spec(chart, dark), theme=None, width="stretch", alt=words)


def _heading(name: str) -> str:
    return name.replace("_", " ")


def _is_number(kind: str) -> bool:
    return kind.startswith(("DECIMAL", "BIGINT", "HUGEINT", "INTEGER"))


def _cell(page: PageContext, name: str, row: dict[str, Any], day: str) -> str:
    value = row[name]
    if value is None:
        return ""
    told = plain_text(value)
    view = _LINKS.get(name)
    if not view:
        return told
    parameters = {"currency" if view == "fund" else view: str(value)}
    of = row.get("business_date") or day
    if view == "event" and of:
        parameters["date"] = of
    return f"[{told}]({page.href(view, **parameters)})"


def plain_text(value: Any) -> str:
    """As it is, with thousands separated, and nothing in it taken for markup: names are a venue's own."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    told = f"{value:,}" if isinstance(value, int) else str(value)
    if re.fullmatch(r"-?\d{4,}(\.\d+)?", told):
        whole, point, rest = told.partition(".")
        told = f"{int(whole):,}{point}{rest}"
    return _MARKUP.sub(r"\\\1", told)
