"""The fund's balance over time: steps, from zero, the first shortfall marked, a crash drawn large."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt

from lossledger.readers.charts.style import (
    PALETTE,
    apply_style,
    at_time,
    busiest,
    moment,
    number,
    time_axis,
    values,
)

_MARGIN = 8  # a zoom shows an eighth of its stretch before and after
_CROWDED = 6  # a stretch below a sixth of the whole is drawn apart


@dataclass(frozen=True)
class Balance:
    """`points`: (time, balance from then on) in microseconds and 10^-18; `draws`: when the fund paid."""

    currency: str
    points: Sequence[tuple[int, int]]
    draws: Sequence[int]
    first_shortfall: int | None


def is_crowded(series: Balance) -> bool:
    """Whether most draws fall into an interval too short to be visible on the whole axis."""
    start, end = busiest(series.draws)
    return (end - start) * _CROWDED < series.points[-1][0] - series.points[0][0]


def zoom_in(series: Balance) -> Balance:
    """The interval with most of the draws, with a margin before and after."""
    start, end = busiest(series.draws)
    margin = max((end - start) // _MARGIN, 1_000_000)
    start, end = max(start - margin, series.points[0][0]), min(end + margin, series.points[-1][0])
    before = [point for point in series.points if point[0] <= start]
    inside = [point for point in series.points if start < point[0] <= end]
    points = [(start, before[-1][1]), *inside]
    points.append((end, points[-1][1]))
    mark = series.first_shortfall
    kept = mark if mark is not None and start <= mark <= end else None
    return Balance(series.currency, points, [d for d in series.draws if start <= d <= end], kept)


def thin_points(points: Sequence[tuple[int, int]], columns: int) -> list[tuple[int, int]]:
    """Reduces points that share a pixel column to the first, the last and the extremes."""
    if len(points) <= 4 * columns:
        return list(points)
    start, length = points[0][0], max(1, points[-1][0] - points[0][0])
    bins: dict[int, list[tuple[int, tuple[int, int]]]] = {}
    for at, point in enumerate(points):
        bins.setdefault((point[0] - start) * columns // length, []).append((at, point))
    kept: set[int] = set()
    for found in bins.values():
        ends = (found[0], found[-1], min(found, key=lambda f: f[1][1]), max(found, key=lambda f: f[1][1]))
        kept |= {at for at, _ in ends}
    return [points[at] for at in sorted(kept)]


def balance(series: Balance, width: int) -> Any:
    points = thin_points(series.points, width)
    rows = [{"time": moment(us), "balance": number(e18)} for us, e18 in points]
    axis_time = time_axis(series.points[0][0], series.points[-1][0], width)
    axis_balance = alt.Y("balance:Q", title=f"balance, {series.currency}", scale=alt.Scale(zero=True),
                         stack=None, axis=alt.Axis(tickCount=4))  # fmt: skip
    layers: list[Any] = [
        alt.Chart(values(rows))
        .mark_area(interpolate="step-after", color=PALETTE["blue"], opacity=0.25,
                   line={"color": PALETTE["blue"], "strokeWidth": 1.5})
        .encode(x=axis_time, y=axis_balance)
    ]  # fmt: skip
    if series.first_shortfall is not None:
        at = moment(series.first_shortfall)
        mark = values([{"time": at, "said": f"first shortfall {at[11:19]}"}])
        late = series.first_shortfall * 2 > series.points[0][0] + series.points[-1][0]
        layers.append(alt.Chart(mark).mark_rule(color=PALETTE["orange"], strokeWidth=1.5, strokeDash=[4, 3])
                      .encode(x=at_time()))  # fmt: skip
        layers.append(
            alt.Chart(mark)
            .mark_text(align="right" if late else "left", dx=-5 if late else 5, dy=-4, baseline="top",
                       color=PALETTE["orange"], fontSize=12)
            .encode(x=at_time(), y=alt.value(0), text="said:N")
        )  # fmt: skip
    return apply_style(alt.layer(*layers), width, 170)
