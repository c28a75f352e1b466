"""A risk unit's equity against its maintenance margin, and marks, as steps in time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lossledger.readers.charts.style import (
    PALETTE,
    apply_style,
    at_time,
    moment,
    number,
    scale_of,
    time_axis,
    values,
)

_LINES = {"equity": "blue", "maintenance margin": "orange"}
_FEW = 10  # points that would make no line to be seen
Points = Sequence[tuple[int, int]]  # (time in microseconds, value in 10^-18)


@dataclass(frozen=True)
class TimeMark:
    """A time to mark, and what happened then."""

    ts: int
    words: str


def equity(
    currency: str, of_equity: Points, of_margin: Points, marked: Sequence[TimeMark], width: int
) -> Any:
    """Both lines and zero; the unit is to be liquidated where equity falls below the margin."""
    rows = [
        {"time": moment(ts), "amount": number(amount), "line": line}
        for line, points in zip(_LINES, (of_equity, of_margin), strict=True)
        for ts, amount in points
    ]
    start, end = _stretch(of_equity)
    lines = (
        alt.Chart(values(rows))
        .mark_line(interpolate="step-after", strokeWidth=2)
        .encode(
            x=time_axis(start, end, width),
            y=alt.Y("amount:Q", title=currency, axis=alt.Axis(tickCount=5)),
            color=alt.Color("line:N", scale=scale_of(_LINES)),
            strokeDash=alt.StrokeDash("line:N", scale=alt.Scale(domain=list(_LINES), range=[[1, 0], [6, 3]])),
        )
    )  # fmt: skip
    zero = alt.Chart(values([{"at": 0}])).mark_rule(color=PALETTE["soft"]).encode(y="at:Q")
    return apply_style(alt.layer(zero, *_marked(marked, start, end), lines), width, 240)


def marks(instrument_id: str, points: Points, marked: Sequence[TimeMark], width: int) -> Any:
    """One instrument's mark; the axis does not begin at zero, because the movement matters."""
    rows = [{"time": moment(ts), "mark": number(mark)} for ts, mark in points]
    start, end = _stretch(points)
    line = (
        alt.Chart(values(rows))
        .mark_line(interpolate="step-after", strokeWidth=2, color=PALETTE["green"],
                   point={"color": PALETTE["green"]} if len(points) < _FEW else False)
        .encode(
            x=time_axis(start, end, width),
            y=alt.Y("mark:Q", title=f"mark of {instrument_id}", scale=alt.Scale(zero=False),
                    axis=alt.Axis(tickCount=4)),
        )
    )  # fmt: skip
    return apply_style(alt.layer(*_marked(marked, start, end), line), width, 140)


def _stretch(points: Points) -> tuple[int, int]:
    """The end of the time axis, a little past the last point, so that the last step is visible."""
    start, end = points[0][0], points[-1][0]
    return start, end + max(1_000_000, (end - start) // 20)


def _marked(marked: Sequence[TimeMark], start: int, end: int) -> list[Any]:
    """Rules in time with their words, one above the other so that none hides another."""
    layers: list[Any] = []
    for n, at in enumerate(m for m in marked if start <= m.ts <= end):
        late = at.ts * 2 > start + end
        row = values([{"time": moment(at.ts), "said": at.words}])
        layers.append(alt.Chart(row).mark_rule(color=PALETTE["soft"], strokeDash=[4, 3]).encode(x=at_time()))
        layers.append(
            alt.Chart(row)
            .mark_text(align="right" if late else "left", dx=-5 if late else 5, baseline="top",
                       color=PALETTE["soft"], fontSize=12)
            .encode(x=at_time(), y=alt.value(14 * n), text="said:N")
        )  # fmt: skip
    return layers
