"""Charts for a dark page: replaces every colour of the palette by its dark value."""

import json
from typing import Any

from lossledger.readers.charts.style import FONT, PALETTE

DARK = {
    "ink": "#ecebe6",
    "soft": "#b1b0aa",
    "grid": "#3a3a38",
    "paper": "#171716",
    "blue": "#4ba3dc",
    "orange": "#f0803c",
    "sky": "#8fd0f5",
    "yellow": "#f2bd4b",
    "green": "#37c79b",
    "grey": "#a3a39e",
}


def spec(chart: Any, dark: bool, width: str | int = "container") -> dict[str, Any]:
    """A chart as Vega-Lite for a page: as wide as it has room, on the page's own ground and in its font."""
    text: str = chart.to_json(validate=False)
    if dark:
        for name, colour in PALETTE.items():
            text = text.replace(f'"{colour}"', f'"{DARK[name]}"')
    made: dict[str, Any] = json.loads(text.replace(FONT, "Source Sans, sans-serif"))
    made["width"] = width
    made["autosize"] = {"type": "fit-x", "contains": "padding"}  # a legend takes no height from the plot
    made["config"]["background"] = "transparent"
    return made
