"""What the documentation site takes beside docs/: pages of the root, the examples of tests/spec. Hooks of MkDocs.

Pages link to code and tests, as a reader in a repository needs it. The site has no code: such a link becomes the
examples that a test file gives, or its text alone.
"""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from scripts.spec_examples import SPEC, page_path, pages

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
AT_ROOT = {
    "README.md": "readme.md",
    "GLOSSARY.md": "glossary.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
EXAMPLES = {f"tests/spec/{test.name}": page_path(test) for test in sorted(SPEC.glob("test_*.py"))}
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")


def slug(title: str, separator: str) -> str:
    """An anchor as the repository's pages write it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", separator)


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Folders of the navigation become their pages; one that is not there yet is left out."""
    config.nav = [_entry(entry) for entry in config.nav or []]
    return config


def _entry(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    [(title, below)] = entry.items()
    if isinstance(below, str) and below.endswith("/*.md"):
        return {title: _folder(below.removesuffix("/*.md"))}
    if not isinstance(below, list):
        return entry
    there = [e for e in below if not (isinstance(e, str) and e.endswith("?") and not _exists(e))]
    return {title: [_entry(e.rstrip("?") if isinstance(e, str) else e) for e in there]}


def _exists(entry: str) -> bool:
    return (DOCS / entry.rstrip("?")).exists()


def _folder(name: str) -> list[str]:
    if name == "spec/examples":
        return list(EXAMPLES.values())
    found = sorted(path.relative_to(DOCS).as_posix() for path in (DOCS / name).glob("*.md"))
    if not found:
        raise PluginError(f"mkdocs.yml: docs/{name} has no page")
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what is not in docs/."""
    for name, path in AT_ROOT.items():
        files.append(File.generated(config, path, content=(ROOT / name).read_text(encoding="utf-8")))
    for page in pages():
        files.append(
            File.generated(config, page.path, content=f"---\ntitle: {page.title}\n---\n\n{page.text}")
        )
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links as the site has them; in code blocks nothing is a link."""
    stands = _stands(page.file.src_uri)
    parts = _FENCED.split(markdown)  # prose and code in turn
    parts[::2] = [
        _LINK.sub(lambda link: _linked(link, stands, page.file.src_uri), prose) for prose in parts[::2]
    ]
    return "".join(parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """The dictionary's tables are wide: site.css gives their columns room."""
    return f'<div class="dictionary">{html}</div>' if page.file.src_uri == "dictionary.md" else html


def _stands(path: str) -> str:
    """Where the page stands in the repository."""
    at_root = {site: name for name, site in AT_ROOT.items()}
    return at_root.get(path, f"docs/{path}")


def _linked(link: re.Match[str], stands: str, page: str) -> str:
    text, target = link.groups()
    path, _, anchor = target.partition("#")
    if re.match(r"[a-z]+:", target) or not path:
        return link[0]
    found = posixpath.normpath(posixpath.join(posixpath.dirname(stands), path))
    if found in AT_ROOT:
        goal = AT_ROOT[found]
    elif found in EXAMPLES:
        goal = EXAMPLES[found]
    elif found.startswith("docs/"):
        goal = found.removeprefix("docs/")
    elif (ROOT / found).exists():
        return text
    else:
        return link[0]  # nothing is there: the strict build says so
    relative = posixpath.relpath(goal, posixpath.dirname(page) or ".")
    return f"[{text}]({relative}{'#' + anchor if anchor else ''})"
