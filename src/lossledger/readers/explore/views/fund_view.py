"""The fund over time, with its draws."""

from datetime import date

import streamlit as st

from lossledger.engine.clock import day_start_us
from lossledger.engine.figures import exact
from lossledger.engine.intake.parsing import parse_time_us
from lossledger.readers.charts import fund_chart as charts
from lossledger.readers.charts.daily_charts import Line, bars, lines
from lossledger.readers.explore.questions import fund_questions
from lossledger.readers.explore.questions.question import Answer
from lossledger.readers.explore.views.page_context import PageContext
from lossledger.readers.explore.views.widgets import choose, show_chart, show_table

_CLOSE = 7  # most dates whose single movements are drawn
_WIDTH = 900
_PARTS = {"the fund paid": "blue", "left short": "orange"}


def show(page: PageContext) -> None:
    st.header("The insurance fund over time", anchor=False)
    days = [day.isoformat() for day in page.days]
    one, two, three = st.columns(3)
    with one:
        currency = choose("Currency", page.ask(fund_questions.currencies()).column("currency"), "currency")
    with two:
        first = choose("From", days, "from")
    with three:
        last = choose("To", days, "to", len(days) - 1)
    if last < first:
        st.warning(f"There is no date from {first} to {last}: choose a later end.")
        return
    span = date.fromisoformat(first), date.fromisoformat(last)
    daily = page.ask(fund_questions.days(currency, *span))
    _draw(page, currency, daily, span)
    show_table(page, page.ask(fund_questions.draws(currency, *span)), "The fund paid nothing on these dates.")
    show_table(page, daily, "No date is published.")
    taken = page.ask(fund_questions.taken_over(currency, *span))
    if taken.kept:
        st.subheader("Positions taken over on the fund's account", anchor=False)
        solvency = page.ask(fund_questions.solvency(currency, *span))
        _draw_solvency(currency, solvency)
        show_table(page, solvency, "No date is published.")
        show_table(page, taken, "Nothing was taken over.")


def _draw(page: PageContext, currency: str, daily: Answer, span: tuple[date, date]) -> None:
    if not daily.kept:
        return
    days = [date.fromisoformat(day) for day in daily.column("business_date")]
    closing, lowest = daily.amounts("closing"), daily.amounts("lowest")
    scale = page.tables.scales[currency]
    least = min(range(len(days)), key=lambda n: lowest[n])
    short = sum(daily.amounts("shortfall"))
    words = (
        f"The fund in {currency} begins with {exact(daily.amounts('opening')[0], scale)} on {days[0]} and closes with "
        f"{exact(closing[-1], scale)} on {days[-1]}. Its lowest balance is {exact(lowest[least], scale)}, on "
        f"{days[least]}. It paid {exact(-sum(daily.amounts('draws')), scale)}; {exact(short, scale)} was left short."
    )
    st.markdown(words)
    if len(days) <= _CLOSE:
        moved = page.ask(fund_questions.movements(currency, *span))
        if moved.kept:
            show_chart(charts.balance(_balance(currency, daily, moved), _WIDTH), words)
            return
    balances = [
        Line("at the end", list(zip(days, closing, strict=True))),
        Line("lowest", list(zip(days, lowest, strict=True))),
    ]
    show_chart(lines(currency, "balance", balances, _WIDTH), words)
    paid = [(day, (-draw, left)) for day, draw, left
            in zip(days, daily.amounts("draws"), daily.amounts("shortfall"), strict=True)]  # fmt: skip
    show_chart(bars(currency, "deficits", _PARTS, paid, _WIDTH), f"Deficits by date in {currency}. {words}")


def _draw_solvency(currency: str, solvency: Answer) -> None:
    days = [date.fromisoformat(day) for day in solvency.column("business_date")]
    names = {"balance": "closing", "with open positions": "solvency"}
    series = [
        Line(title, list(zip(days, solvency.amounts(name), strict=True))) for title, name in names.items()
    ]
    words = (
        f"The fund's balance in {currency}, and with the unrealised result of the positions that it holds."
    )
    show_chart(lines(currency, "balance", series, _WIDTH), words)


def _balance(currency: str, daily: Answer, moved: Answer) -> charts.Balance:
    times = [parse_time_us(ts) for ts in moved.column("ts")]
    start = min(times[0], day_start_us(date.fromisoformat(daily.column("business_date")[0])))
    points = [(start, daily.amounts("opening")[0]), *zip(times, moved.amounts("balance"), strict=True)]
    draws = [ts for ts, kind in zip(times, moved.column("kind"), strict=True) if kind == "draw"]
    return charts.Balance(currency, points, draws, None)
