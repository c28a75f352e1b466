"""Waterfall chart of causes: each bar begins where the one before it ended; the last bar is the sum."""

from collections.abc import Sequence
from typing import Any

import altair as alt

from lossledger.engine.figures import exact
from lossledger.readers.charts.loss_charts import Cause
from lossledger.readers.charts.style import BAR, PALETTE, apply_style, number, scale_of, values

_KINDS = {"enlarges the deficit": "orange", "makes it smaller": "sky", "sum": "grey"}


def steps(found: Sequence[Cause], sum_words: str) -> list[tuple[str, int, int, str]]:
    """(words, from, to, kind) in 10^-18; the sum runs from zero."""
    larger, smaller, total = _KINDS
    result, at = [], 0
    for cause in found:
        result.append((cause.words, at, at + cause.amount, larger if cause.amount > 0 else smaller))
        at += cause.amount
    return [*result, (sum_words, 0, at, total)]


def waterfall(currency: str, found: Sequence[Cause], sum_words: str, width: int) -> Any:
    made = steps(found, sum_words)
    rows = [
        {
            "cause": words,
            "start": number(start),
            "end": number(end),
            "kind": kind,
            "amount": exact(end - start),
        }
        for words, start, end, kind in made
    ]
    order = [words for words, *_ in made]
    y = alt.Y("cause:N", title=None, sort=order, axis=alt.Axis(ticks=False, labelLimit=180))
    x = alt.X("start:Q", title=currency, axis=alt.Axis(tickCount=max(3, width // 120)))
    tooltip = [alt.Tooltip("cause:N"), alt.Tooltip("amount:N", title=currency)]
    bars = (
        alt.Chart(values(rows))
        .mark_bar(height=BAR - 6)
        .encode(x=x, x2="end:Q", y=y, color=alt.Color("kind:N", scale=scale_of(_KINDS)), tooltip=tooltip)
    )
    zero = alt.Chart(values([{"at": 0}])).mark_rule(color=PALETTE["soft"]).encode(x="at:Q")
    return apply_style(alt.layer(bars, zero), width, max(2, len(rows)) * (BAR + 4))
