"""The report as one HTML file: no script, no request, charts inside, light and dark, wide and narrow, on paper."""

from functools import cache
from pathlib import Path

from jinja2 import Environment, StrictUndefined, select_autoescape
from markupsafe import Markup

from lossledger.readers.charts.style import FONT, PALETTE
from lossledger.readers.report.model import Drawing, Figures, Paragraph, Report, Table, drawn, shown, unit_of

WIDE, NARROW = 560, 250  # of a chart's plot, pixels: for a screen, and for a telephone
_HERE = Path(__file__).with_name("templates")


def to_html(report: Report) -> str:
    """The same report gives the same text."""
    template = _environment().from_string((_HERE / "report.html.j2").read_text(encoding="utf-8"))
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    return template.render(report=report, style=Markup(style))


@cache
def _environment() -> Environment:
    made = Environment(
        autoescape=select_autoescape(default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"shown": shown, "unit": unit_of, "kind": _kind, "drawn": _drawn}
    return made


def _kind(block: object) -> str:
    kinds = {Paragraph: "paragraph", Figures: "figures", Table: "table", Drawing: "chart"}
    return kinds[type(block)]


def _drawn(drawing: Drawing, size: str) -> Markup:
    """Colours become the page's, which has others in the dark; the page's font takes the place of the chart's."""
    text = drawn(drawing, WIDE if size == "wide" else NARROW)
    for name, colour in PALETTE.items():
        text = text.replace(colour, f"var(--{name})")
    text = text.replace(f"font-family: {FONT};", "").replace(f'font-family="{FONT}"', "")
    return Markup(text)
