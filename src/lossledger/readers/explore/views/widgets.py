"""Widgets of the views: a table with CSV and SQL, a chart with a description, a choice stored in the address."""

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
    """A choice stored in the page's address; a value that is not an option is ignored."""
    chosen: str = st.selectbox(label, options, index=at, key=key, bind="query-params", filter_mode="contains")
    return chosen


def show_table(page: PageContext, answer: Answer, nothing: str, day: str = "", shown: int = SHOWN) -> None:
    """Heading, rows, CSV and SQL. `nothing`: text shown without rows. `day`: the date of rows without a date column."""
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
    """`words`: a description for readers who cannot see the chart; the table has the figures."""
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
    text = plain_text(value)
    view = _LINKS.get(name)
    if not view:
        return text
    parameters = {"currency" if view == "fund" else view: str(value)}
    of = row.get("business_date") or day
    if view == "event" and of:
        parameters["date"] = of
    return f"[{text}]({page.href(view, **parameters)})"


def plain_text(value: Any) -> str:
    """Text with thousands separated and all markup escaped: names come from the venue."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = f"{value:,}" if isinstance(value, int) else str(value)
    if re.fullmatch(r"-?\d{4,}(\.\d+)?", text):
        whole, point, rest = text.partition(".")
        text = f"{int(whole):,}{point}{rest}"
    return _MARKUP.sub(r"\\\1", text)
