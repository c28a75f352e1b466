"""The published tables and a scenario side by side, or two scenarios."""

from datetime import date

import streamlit as st

from lossledger.engine.figures import exact
from lossledger.readers.charts.daily_charts import Line, lines
from lossledger.readers.explore.questions import side_by_side
from lossledger.readers.explore.questions.question import Answer
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, plain_text, show_chart, show_table
from lossledger.store.scenario_folders import PUBLISHED, read_definition, scenario_names, scenario_root

_WIDTH = 900


def show(page: PageContext) -> None:
    st.header("Scenarios side by side", anchor=False)
    names = [PUBLISHED, *scenario_names(page.root)]
    if len(names) == 1:
        st.markdown("No scenario has been run: `lossledger run … --scenario NAME` runs one.")
        return
    one, two = st.columns(2)
    with one:
        left = choose("Left", names, "left")
    with two:
        right = choose("Right", names, "right", 1)
    sides = [_side(page, name) for name in (left, right)]
    for name in (left, right):
        if name != PUBLISHED:
            st.markdown(
                f"**{plain_text(name)}**: {plain_text(read_definition(scenario_root(page.root, name))['reason'])}"
            )
    days = sorted(set(sides[0].days) & set(sides[1].days))
    if not days:
        st.warning(f"{left} and {right} have no date in common.")
        return
    titles = (left, right) if left != right else (left, f"{right} again")
    _compare(sides, titles, days)


def _side(page: PageContext, name: str) -> PageContext:
    """A side of the comparison. The page's time applies to the published tables; a scenario is shown as it is now."""
    if name == PUBLISHED:
        return page.at(None, None if page.scenario else page.as_of)
    return page.at(name)


def _compare(sides: list[PageContext], names: tuple[str, str], days: list[date]) -> None:
    question = side_by_side.totals(days[0], days[-1])
    answers = [_of(side.ask(question), days) for side in sides]
    scales = dict(sides[0].tables.scales)
    for currency in sorted(scales):
        _draw(names, answers, currency, scales[currency])
    show_table(
        sides[0],
        side_by_side.differences(answers[0], answers[1], names, scales),
        "Losses and the fund do not differ.",
    )
    charged = side_by_side.charged(days[0], days[-1])
    payers = side_by_side.differences(sides[0].ask(charged), sides[1].ask(charged), names, scales)
    payers.title = "Who is charged more or less, the largest difference first"
    show_table(sides[0], payers, "Nobody is charged another amount.")
    for side, name, answer in zip(sides, names, answers, strict=True):
        answer.title = f"{answer.title}: {name}"
        show_table(side, answer, "Nothing is published.")


def _of(answer: Answer, days: list[date]) -> Answer:
    """The rows of dates that both sides have."""
    both = {day.isoformat() for day in days}
    at = answer.names.index("business_date")
    kept = [row for row in answer.kept if row[at] in both]
    return Answer(answer.title, answer.sql, answer.names, answer.kinds, kept)


def _draw(names: tuple[str, str], answers: list[Answer], currency: str, scale: int) -> None:
    left, right = (side_by_side.sum_totals(answer, currency) for answer in answers)
    if not any(left.values()) and not any(right.values()):
        return
    words = f"In {currency}, " + "; ".join(
        f"{what.replace('_', ' ')} {exact(left[what], scale)} against {exact(right[what], scale)}"
        for what in left
    )
    st.subheader(f"{currency}: {names[0]} and {names[1]}", anchor=False)
    st.markdown(plain_text(words + "."))
    for column, title in (("fund_closing", "the fund at the end"), ("socialised", "charged to accounts")):
        drawn = []
        for name, answer in zip(names, answers, strict=True):
            rows = [r for r in zip(answer.column("currency"), answer.column("business_date"), answer.amounts(column),
                                   strict=True) if r[0] == currency]  # fmt: skip
            drawn.append(Line(name, [(date.fromisoformat(day), amount) for _, day, amount in rows]))
        show_chart(lines(currency, title, drawn, _WIDTH), f"{title}, {words}")
