"""Charts of losses: payers, growth, causes, and payers under other rules. Bars begin at zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lossledger.engine.figures import exact
from lossledger.readers.charts.style import (
    BAR,
    PALETTE,
    apply_style,
    at_time,
    busiest,
    moment,
    number,
    scale_of,
    time_axis,
    values,
)

PAYERS = {"insurance fund": "blue", "charged to accounts": "yellow", "uncovered": "grey"}
_CAUSE = {"made the deficits larger": "orange", "made them smaller": "sky"}
_RULES = {"the account that pays most": "orange", "the next nine": "yellow", "all other payers": "sky",
          "uncovered": "grey"}  # fmt: skip


@dataclass(frozen=True)
class Growth:
    """Deficits in order of time: (microseconds, deficit, shortfall), in 10^-18."""

    currency: str
    events: Sequence[tuple[int, int, int]]


@dataclass(frozen=True)
class Cause:
    """What a cause added to the deficits of some episodes, or took from them, in 10^-18."""

    name: str
    words: str
    amount: int


def paid(currency: str, bars: Sequence[tuple[str, int, int, int]], width: int) -> Any:
    """Stacked bars: (label, fund, charged, uncovered)."""
    return stack_bars(currency, [(label, amounts) for label, *amounts in bars], PAYERS, width)


def rules(currency: str, bars: Sequence[tuple[str, Sequence[int]]], width: int) -> Any:
    """Stacked bars: label, and the four parts from the account that pays most to what is uncovered."""
    return stack_bars(currency, bars, _RULES, width)


def stack_bars(
    currency: str, bars: Sequence[tuple[str, Sequence[int]]], colours: dict[str, str], width: int
) -> Any:
    rows = [
        {"label": label, "part": part, "amount": number(amount), "order": n}
        for label, amounts in bars
        for n, (part, amount) in enumerate(zip(colours, amounts, strict=True))
    ]
    chart = (
        alt.Chart(values(rows))
        .mark_bar(height=BAR - 6)
        .encode(
            x=alt.X(
                "amount:Q",
                title=currency,
                scale=alt.Scale(zero=True),
                axis=alt.Axis(tickCount=max(3, width // 120)),
            ),
            y=alt.Y("label:N", title=None, sort=[label for label, _ in bars], axis=alt.Axis(ticks=False)),
            color=alt.Color("part:N", scale=scale_of(colours)),
            order="order:Q",
        )
    )
    return apply_style(chart, width, max(2, len(bars)) * BAR)


def growth(series: Growth, width: int) -> Any:
    """Deficits added up, where most of them arose; the first one that the fund could not pay is marked."""
    start, end = busiest([ts for ts, _, _ in series.events])
    margin = max((end - start) // 8, 1_000_000)
    start, end = start - margin, end + margin
    rows, so_far, mark = [], 0, None
    for ts, deficit, shortfall in series.events:
        if shortfall and mark is None and start <= ts <= end:
            mark = ts
        so_far += deficit
        if ts <= end:
            rows.append(
                {"time": moment(max(ts, start)), "amount": number(so_far), "kind": "covered deficits"}
            )
    x = time_axis(start, end, width)
    y = alt.Y("amount:Q", title=series.currency, scale=alt.Scale(zero=True), axis=alt.Axis(tickCount=4))
    rows.append({"time": moment(end), "amount": rows[-1]["amount"], "kind": rows[-1]["kind"]})
    layers: list[Any] = [
        alt.Chart(values(rows))
        .mark_line(interpolate="step-after", color=PALETTE["orange"], strokeWidth=2)
        .encode(x=x, y=y)
    ]
    if mark is not None:
        late = mark * 2 > start + end
        at = values([{"time": moment(mark), "said": f"first shortfall {moment(mark)[11:19]}"}])
        layers.append(alt.Chart(at).mark_rule(color=PALETTE["soft"], strokeDash=[4, 3]).encode(x=at_time()))
        layers.append(
            alt.Chart(at)
            .mark_text(align="right" if late else "left", dx=-5 if late else 5, baseline="top",
                       color=PALETTE["soft"], fontSize=12)
            .encode(x=at_time(), y=alt.value(0), text="said:N")
        )  # fmt: skip
    return apply_style(alt.layer(*layers), width, 150)


def causes(currency: str, found: Sequence[Cause], width: int) -> Any:
    """Signed bars from zero, the exact amount beside each in words."""
    kinds = list(_CAUSE)
    rows = [
        {"cause": _two_lines(cause.words), "amount": number(cause.amount), "kind": kinds[cause.amount < 0],
         "said": exact(cause.amount)}
        for cause in found
    ]  # fmt: skip
    # a label of two lines leaves the bars their place on a telephone too
    split = alt.Axis(ticks=False, labelLimit=170, labelExpr="split(datum.label, '|')", labelFontSize=11)
    y = alt.Y("cause:N", title=None, sort=None, axis=split)
    chart = (
        alt.Chart(values(rows))
        .mark_bar(height=BAR - 6)
        .encode(
            x=alt.X(
                "amount:Q",
                title=currency,
                scale=alt.Scale(zero=True),
                axis=alt.Axis(tickCount=max(3, width // 120)),
            ),
            y=y,
            color=alt.Color("kind:N", scale=scale_of(_CAUSE)),
        )
    )
    return apply_style(chart, width, max(2, len(rows)) * (BAR + 8))


def _two_lines(words: str) -> str:
    """A bar at the blank nearest to the middle, where the words are long."""
    if len(words) < 22:
        return words
    at = min((n for n, sign in enumerate(words) if sign == " "), key=lambda n: abs(2 * n - len(words)))
    return f"{words[:at]}|{words[at + 1 :]}"
