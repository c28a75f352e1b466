"""Charts with one point or group of bars per date: the fund's balance and payments, and amounts side by side."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import altair as alt

from lossledger.readers.charts.style import apply_style, number, scale_of, values


@dataclass(frozen=True)
class Line:
    """`points`: (date, amount in 10^-18), a date without a point leaves a gap of a step."""

    name: str
    points: Sequence[tuple[date, int]]


def lines(currency: str, title: str, drawn: Sequence[Line], width: int) -> Any:
    """Up to three lines, from zero."""
    colours = dict(zip([line.name for line in drawn], ("blue", "orange", "green"), strict=False))
    rows = [
        {"date": day.isoformat(), "amount": number(amount), "line": line.name}
        for line in drawn
        for day, amount in line.points
    ]
    return apply_style(
        alt.Chart(values(rows))
        .mark_line(interpolate="step-after", strokeWidth=2, point=len(rows) < 60)
        .encode(
            x=_dates((day for line in drawn for day, _ in line.points), width),
            y=alt.Y("amount:Q", title=f"{title}, {currency}", scale=alt.Scale(zero=True),
                    axis=alt.Axis(tickCount=4)),
            color=alt.Color("line:N", scale=scale_of(colours)),
        ),
        width,
        200,
    )  # fmt: skip


def bars(
    currency: str,
    title: str,
    parts: dict[str, str],
    rows: Sequence[tuple[date, Sequence[int]]],
    width: int,
) -> Any:
    """Stacked bars of each date. `parts`: words to colours."""
    drawn = [
        {"date": day.isoformat(), "part": part, "amount": number(amount), "order": n}
        for day, amounts in rows
        for n, (part, amount) in enumerate(zip(parts, amounts, strict=True))
    ]
    return apply_style(
        alt.Chart(values(drawn))
        .mark_bar(size=max(1, min(24, width * 7 // 10 // max(1, _span(rows)))))
        .encode(
            x=_dates((day for day, _ in rows), width),
            y=alt.Y("amount:Q", title=f"{title}, {currency}", scale=alt.Scale(zero=True),
                    axis=alt.Axis(tickCount=4)),
            color=alt.Color("part:N", scale=scale_of(parts)),
            order="order:Q",
        ),
        width,
        180,
    )  # fmt: skip


def _span(rows: Sequence[tuple[date, Sequence[int]]]) -> int:
    days = [day for day, _ in rows]
    return (max(days) - min(days)).days + 1 if days else 1


def _dates(days: Iterable[date], width: int) -> alt.X:
    """An axis of dates without time zone; it labels as many dates as fit."""
    ordered = sorted(set(days))
    step = -(-len(ordered) // max(1, width // 110))
    named = [alt.DateTime(year=d.year, month=d.month, date=d.day, utc=True) for d in ordered[::step]]
    return alt.X(
        "date:T",
        title="date of the session",
        scale=alt.Scale(type="utc", padding=14),
        axis=alt.Axis(format="%d %b %Y", values=named, labelOverlap=True, grid=False),
    )
