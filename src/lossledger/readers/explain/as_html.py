"""An explanation as one HTML file that needs nothing else: for a screen of any width, light or dark, and for print."""

from pathlib import Path
from typing import Any

from lossledger.engine.errors import ConfigError
from lossledger.readers.explain.document import Compared, Explanation, Section, Source
from lossledger.readers.explain.text import source_text

_HERE = Path(__file__).parent
_WIDE = 8  # columns from which on every row is told as a list of its figures


def html_text(explanation: Explanation) -> str:
    """The whole page. ConfigError: Jinja is not installed."""
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError:
        raise ConfigError("HTML needs Jinja: install lossledger[report], or take --format text") from None
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("explanation.html.jinja")
    numbers = explanation.sources()
    return page.render(
        explanation=explanation,
        sections=[(section, _blocks(section)) for section in explanation.sections],
        numbers=numbers,
        source_text=source_text,
        refs=lambda sources: _refs(sources, numbers),
        wide=_WIDE,
    )


def _refs(sources: tuple[Source, ...], numbers: dict[Source, int]) -> list[tuple[int, str]]:
    """Numbers of sources, each with its text."""
    return [(numbers[source], source_text(source)) for source in dict.fromkeys(sources)]


def _blocks(section: Section) -> list[tuple[str, Any]]:
    """Kind and block; comparisons that follow each other together."""
    found: list[tuple[str, Any]] = []
    for block in section.blocks:
        if not isinstance(block, Compared):
            found.append((type(block).__name__, block))
        elif found and found[-1][0] == "Compared":
            found[-1][1].append(block)
        else:
            found.append(("Compared", [block]))
    return found
