"""The medians as bars, a group for every size and shape, whiskers from the shortest to the longest round."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from statistics import median
from typing import Any

WIDTH, LEFT, RIGHT, BAR, GAP = 820, 290, 120, 18, 26
OURS, OTHERS, FLOOR = "#1f6f8b", "#c9a227", "#9aa5ab"
FONT = 'font-family="system-ui, sans-serif" font-size="12"'


def chart(rows: Sequence[dict[str, Any]]) -> str:
    """An SVG; each group has a scale of its own, since sizes lie a hundred times apart."""
    parts: list[str] = []
    y = 16
    for size, group in groupby(rows, key=lambda row: row["rows"]):
        bars = list(group)
        longest = max((max(row["seconds"]) for row in bars if row["seconds"]), default=1.0)
        parts.append(_text(8, y, f"{size / 1e6:.1f} million rows, seconds", weight="bold"))
        y += 10
        for row in bars:
            parts += _bar(row, y, (WIDTH - LEFT - RIGHT) / longest)
            y += BAR + 4
        y += GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" {FONT}>'
    return "\n".join([head, f'<rect width="{WIDTH}" height="{y}" fill="white"/>', *parts, "</svg>"]) + "\n"


def _bar(row: dict[str, Any], y: int, scale: float) -> list[str]:
    label = row["name"] if row["shape"] == "market" else f"{row['name']}, {row['shape']}"
    middle = y + BAR / 2
    parts = [_text(LEFT - 8, middle + 4, label, anchor="end")]
    if not row["seconds"]:
        return [*parts, _text(LEFT + 4, middle + 4, row["outcome"])]
    low, mid, high = min(row["seconds"]), median(row["seconds"]), max(row["seconds"])
    colour = FLOOR if row["name"] == "floor" else OURS if row["name"].startswith("Lossledger") else OTHERS
    parts.append(f'<rect x="{LEFT}" y="{y}" width="{mid * scale:.1f}" height="{BAR}" fill="{colour}"/>')
    ends = f'x1="{LEFT + low * scale:.1f}" x2="{LEFT + high * scale:.1f}" y1="{middle}" y2="{middle}"'
    parts.append(f'<line {ends} stroke="#222" stroke-width="1.5"/>')
    told = f"{mid:.1f} s" + ("" if row["outcome"] == "done" else f", then {row['outcome']}")
    return [*parts, _text(LEFT + high * scale + 6, middle + 4, told)]


def _text(x: float, y: float, text: str, anchor: str = "start", weight: str = "normal") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-weight="{weight}"'
    return f'<text {place} fill="#222">{escape(text)}</text>'
