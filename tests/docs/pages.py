"""The pages of the documentation: which there are, and the tables and code blocks in them."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "adapters").glob("*.md")),
]


class Block(NamedTuple):
    """A fenced code block: the language after its fence, and the number of its first line in the page."""

    language: str
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    found: list[Block] = []
    language, lines = None, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        fence = line.strip().startswith("```")
        if fence and language is None:
            language, lines = line.strip().removeprefix("```"), []
        elif fence:
            found.append(Block(str(language), textwrap.dedent("\n".join(lines)), number - len(lines)))
            language = None
        elif language is not None:
            lines.append(line)
    return found


def prose(page: Path) -> str:
    """The page without its code blocks."""
    return re.sub(r"^\s*```.*?^\s*```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def table(page: Path, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading, without its head."""
    text = page.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    return list(_rows(text))[2:]


def _rows(text: str) -> Iterator[list[str]]:
    inside = False
    for line in text.splitlines():
        if line.startswith("|"):
            inside = True
            yield [cell.strip() for cell in line.strip("|").split(" | ")]
        elif inside:
            return


def codes(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`\n]+)`", text)
