"""The documentation site is built as `make site` builds it: every page in it, no dead link, nothing fetched."""

import re
import warnings
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

FETCHED = re.compile(r"""(?:\bsrc|<link[^>]*\bhref|url\()\s*[=(]?\s*["']?(?:https?:)?//""")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built strictly: a link to a page or heading that is not there, or a page out of the navigation, ends it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from mkdocs.commands.build import build
        from mkdocs.config import load_config
    target = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(target))
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return target


def test_every_page_is_there(site: Path) -> None:
    below = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    assert [path for path in below if not (site / path).is_file()] == []


def test_examples_of_every_rule_are_there(site: Path) -> None:
    examples = sorted(path.stem for path in (site / "spec" / "examples").glob("*.html"))
    tests = sorted(path.stem for path in (ROOT / "tests" / "spec").glob("test_*.py"))
    assert [f"test_{name.replace('-', '_')}" for name in examples] == tests
    fund = (site / "spec" / "examples" / "10-insurance-fund.html").read_text(encoding="utf-8")
    assert "<td>draw</td>\n<td>-30</td>\n<td>20</td>" in fund


def test_nothing_is_fetched(site: Path) -> None:
    """The site is read without a network: no font, script, style or picture of another host."""
    pages = [*site.rglob("*.html"), *site.rglob("*.css")]
    assert [page.name for page in pages if FETCHED.search(page.read_text(encoding="utf-8"))] == []
    assert [page.name for page in pages if 'class="mermaid"' in page.read_text(encoding="utf-8")] == []
