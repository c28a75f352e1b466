"""Charts of a document as SVG."""

from functools import lru_cache

from lossledger.readers.charts.style import svg
from lossledger.readers.document.model import Drawing


@lru_cache(256)
def render_chart(drawing: Drawing, width: int) -> str:
    """`width`: of the plot, pixels. Page and print share the cached text."""
    return svg(drawing.draw(width))
