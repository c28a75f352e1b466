"""A document as one HTML file: no script, no request, charts inside, light and dark, wide and narrow, on paper."""

from pathlib import Path
from typing import Any

from lossledger.engine.errors import ConfigError
from lossledger.readers.charts.style import FONT, PALETTE
from lossledger.readers.document import model
from lossledger.readers.document.chart_svg import render_chart
from lossledger.readers.document.values import cell_text, cell_unit

WIDE, NARROW = 560, 250  # of a chart's plot, pixels: for a screen, and for a telephone


def to_html(document: model.Document) -> str:
    """The same document gives the same text. ConfigError: Jinja is not installed."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
        from markupsafe import Markup
    except ImportError:
        raise ConfigError("HTML needs Jinja: install lossledger[report], or take --format text") from None
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": cell_text, "unit": cell_unit, "blocks": _blocks}
    environment.filters["chart"] = lambda drawing, width: Markup(_chart(drawing, width))
    numbers = document.citations()

    def marks(citations: model.Citations) -> list[tuple[int, str]]:
        return [(numbers[citation], str(citation)) for citation in dict.fromkeys(citations)]

    page = environment.get_template("document.html.jinja")
    return page.render(document=document, numbers=numbers, marks=marks, wide=WIDE, narrow=NARROW)


def _blocks(section: model.Section) -> list[tuple[str, Any]]:
    """Kind and block; comparisons that follow each other are one block."""
    found: list[tuple[str, Any]] = []
    for block in section.blocks:
        kind = type(block).__name__
        if isinstance(block, model.RowComparison):
            if found and found[-1][0] == kind:
                found[-1][1].append(block)
            else:
                found.append((kind, [block]))
        else:
            found.append((kind, block))
    return found


def _chart(drawing: model.Drawing, width: int) -> str:
    """The SVG in the page's colours, which change in the dark, and in the page's font."""
    text = render_chart(drawing, width)
    for name, colour in PALETTE.items():
        text = text.replace(colour, f"var(--{name})")
    return text.replace(f"font-family: {FONT};", "").replace(f'font-family="{FONT}"', "")
