"""Charts as inline SVG between HTML labels: every bar stands beside its exact amount.

Coordinates are thousandths of the chart's width, in whole numbers; the amounts themselves are text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from engine.figures import exact
from engine.numbers import E18

_WIDTH = 1000
_TICKS = 4


@dataclass(frozen=True)
class Part:
    """A stretch of a bar from one amount to another, in 10^-18; `kind` is its colour's class in page.css."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Bar:
    """A line of a chart: what it is, its stretches, its amount as text, and a remark in small print."""

    label: str
    parts: Sequence[Part]
    text: str
    note: str = ""
    strong: bool = False


@dataclass(frozen=True)
class Scale:
    """From the least to the largest amount of a chart, zero always within."""

    low: int
    high: int

    @classmethod
    def over(cls, bars: Sequence[Bar]) -> "Scale":
        ends = [0, *(end for bar in bars for part in bar.parts for end in (part.start, part.end))]
        return cls.between(min(ends), max(ends))

    @classmethod
    def between(cls, low: int, high: int) -> "Scale":
        """Nothing at all is drawn as nothing of one."""
        return cls(low, high if high > low else low + E18)

    def x(self, amount: int) -> int:
        return (amount - self.low) * _WIDTH // (self.high - self.low)

    def ticks(self) -> list[int]:
        """Round amounts, a few of them: steps of 1, 2 or 5 times a power of ten."""
        least = max(1, (self.high - self.low) // _TICKS)
        power = 10 ** (len(str(least)) - 1)
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= least)
        return list(range(-(-self.low // step) * step, self.high + 1, step))


def bar_chart(bars: Sequence[Bar], scale: Scale | None = None, unit: str = "") -> str:
    """Horizontal bars over a common axis; several charts are comparable when they share a scale."""
    scale = scale or Scale.over(bars)
    lines = [_line(bar, scale) for bar in bars]
    return f'<div class="chart">{"".join(lines)}{_axis(scale, unit)}</div>'


def _line(bar: Bar, scale: Scale) -> str:
    grid = "".join(f'<path class="grid" d="M{scale.x(tick)} -10V30"/>' for tick in scale.ticks())
    rects = "".join(_rect(part, scale) for part in bar.parts if part.start != part.end)
    zero = f'<path class="zero" d="M{scale.x(0)} -10V30"/>'
    note = f"<small>{escape(bar.note)}</small>" if bar.note else ""
    return (
        f'<div class="line{" strong" if bar.strong else ""}"><div class="label">{escape(bar.label)}{note}</div>'
        f'<svg viewBox="0 0 {_WIDTH} 20" preserveAspectRatio="none" aria-hidden="true">{grid}{rects}{zero}</svg>'
        f'<div class="amount">{escape(bar.text)}</div></div>'
    )


def _rect(part: Part, scale: Scale) -> str:
    left, right = sorted((scale.x(part.start), scale.x(part.end)))
    return f'<rect class="{part.kind}" x="{left}" y="3" width="{max(2, right - left)}" height="14"/>'


def _axis(scale: Scale, unit: str) -> str:
    ticks = "".join(
        f'<span style="left:{scale.x(tick) // 10}.{scale.x(tick) % 10}%">{exact(tick)}</span>'
        for tick in scale.ticks()
    )
    return f'<div class="line axis"><div class="ticks">{ticks}</div><div class="amount">{escape(unit)}</div></div>'


def bridge(terms: Sequence[tuple[str, int, str]], closing: int, scale: int) -> list[Bar]:
    """A running balance: every (label, amount, kind) starts where the one before ended; the last is the result.

    `scale`: decimals to show.
    """
    bars, balance = [], 0
    for label, amount, kind in terms:
        bars.append(Bar(label, [Part(balance, balance + amount, kind)], exact(amount, scale)))
        balance += amount
    bars.append(Bar("closing", [Part(0, closing, "level")], exact(closing, scale), strong=True))
    return bars


def stacked(label: str, parts: Sequence[tuple[int, str]], text: str, note: str = "") -> Bar:
    """Amounts one behind the other."""
    stretches, at = [], 0
    for amount, kind in parts:
        stretches.append(Part(at, at + amount, kind))
        at += amount
    return Bar(label, stretches, text, note)


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """(kind, meaning) pairs."""
    items = "".join(f'<li><i class="{kind}"></i>{escape(text)}</li>' for kind, text in entries)
    return f'<ul class="legend">{items}</ul>'


def step_line(points: Sequence[tuple[int, int]], start: int, end: int, marks: Sequence[str]) -> str:
    """A balance over time: (time, balance from then on), drawn from start to end; `marks` label the time axis.

    Points nearer to each other than the drawing can tell are drawn as the stretch between their extremes.
    """
    scale = Scale.between(min(0, *(b for _, b in points)), max(0, *(b for _, b in points)))
    columns: dict[int, list[int]] = {}
    for ts, balance in points:
        columns.setdefault(max(0, ts - start) * _WIDTH // (end - start), []).append(
            200 - scale.x(balance) // 5
        )
    path, y = "", None
    for x, ys in sorted(columns.items()):
        path += f"M{x} {ys[0]}" if y is None else f"H{x}"
        path += f"V{min(ys)}V{max(ys)}V{ys[-1]}"
        y = ys[-1]
    path += f"H{_WIDTH}"
    grid = "".join(f'<path class="grid" d="M0 {200 - scale.x(t) // 5}H{_WIDTH}"/>' for t in scale.ticks())
    labels = "".join(
        f'<span style="top:{(_WIDTH - scale.x(t)) // 10}%">{exact(t)}</span>' for t in scale.ticks()
    )
    times = "".join(f"<span>{escape(mark)}</span>" for mark in marks)
    return (
        f'<div class="plot"><div class="levels">{labels}</div>'
        f'<svg viewBox="0 0 {_WIDTH} 200" preserveAspectRatio="none" aria-hidden="true">'
        f'{grid}<path class="curve" d="{path}"/></svg><div class="times">{times}</div></div>'
    )
