"""One look for every chart: colours for colour-blind readers too, plain axes, and drawing without a browser.

Colours are Okabe and Ito's. `PALETTE` names them, so that a page can replace each one in its dark style.
"""

from collections.abc import Sequence
from typing import Any

import altair as alt
import vl_convert

from lossledger.engine.clock import DAY_US, to_datetime
from lossledger.engine.numbers import E18

PALETTE = {
    "ink": "#1b1b1a",
    "soft": "#5c5c59",
    "grid": "#dedcd6",
    "paper": "#fefefd",
    "blue": "#0072b2",
    "orange": "#d55e00",
    "sky": "#56b4e9",
    "yellow": "#e69f00",
    "green": "#009e73",
    "grey": "#8f8f8b",
}
FONT = "Libertinus Serif"  # what the PDF's typesetter has; a page uses its own
BAR = 22  # height of a bar, pixels


def number(e18: int) -> float:
    """An amount as a binary float, for drawing only; amounts that are written stay exact."""
    return e18 / E18


def moment(us: int) -> str:
    """A time for an axis in UTC."""
    return to_datetime(us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def busiest(times: Sequence[int]) -> tuple[int, int]:
    """The shortest stretch with half of the times: what a crash is drawn large by."""
    ordered = sorted(times)
    count = len(ordered) // 2 + 1
    stretches = [(ordered[n + count - 1] - ordered[n], ordered[n]) for n in range(len(ordered) - count + 1)]
    length, start = min(stretches)
    return start, start + length


def time_axis(start: int, end: int, width: int) -> alt.X:
    """UTC, with the date where the stretch is longer than a day, with seconds where it is minutes."""
    span = end - start
    shown = "%d %b %H:%M" if span > DAY_US else "%H:%M" if span > DAY_US // 240 else "%H:%M:%S"
    count = max(2, width // (110 if span > DAY_US else 80))
    return alt.X(
        "time:T",
        title=f"time, UTC, {to_datetime(start):%d %B %Y}" if span <= DAY_US else "time, UTC",
        scale=alt.Scale(type="utc", domain=[moment(start), moment(end)], nice=False),
        axis=alt.Axis(format=shown, tickCount=count, labelOverlap=True, grid=False),
    )


def at_time() -> alt.X:
    """A position on the time axis in UTC; without an explicit scale Vega uses the machine's time zone."""
    return alt.X("time:T", scale=alt.Scale(type="utc"))


def apply_style(chart: Any, width: int, height: int) -> Any:
    """Size and look. `width`, `height`: of the plot, pixels."""
    text = {
        "labelColor": PALETTE["soft"],
        "titleColor": PALETTE["soft"],
        "labelFontSize": 12,
        "titleFontSize": 12,
    }
    return (
        chart.properties(width=width, height=height)
        .configure(font=FONT, background=PALETTE["paper"], padding=6)
        .configure_view(stroke=None)
        .configure_axis(gridColor=PALETTE["grid"], domainColor=PALETTE["soft"], tickColor=PALETTE["grid"],
                        titleFontWeight="normal", labelLimit=260, **text)
        .configure_legend(orient="top", title=None, columns=max(1, width // 190), symbolType="square", labelLimit=300,
                          labelColor=PALETTE["ink"], labelFontSize=12)
    )  # fmt: skip


def scale_of(colours: dict[str, str]) -> alt.Scale:
    """Words to colours, in this order."""
    return alt.Scale(domain=list(colours), range=[PALETTE[name] for name in colours.values()])


def values(rows: list[dict[str, Any]]) -> alt.Data:
    return alt.Data(values=rows)


def svg(chart: Any) -> str:
    """The chart as SVG; the same chart gives the same text. No browser, no network."""
    drawn: str = vl_convert.vegalite_to_svg(chart.to_json(validate=False))
    return drawn
