"""The rooms' table and drawing say what the folders and their imports are."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks, codes, table

PAGE = ROOT / "docs" / "architecture.md"
ROWS = {codes(row[0])[0].rstrip("/"): row for row in table(PAGE, "## Rooms and arrows")}
PACKAGE = ROOT / "src" / "lossledger"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINTER = PYPROJECT["tool"]["importlinter"]


def place_of(room: str) -> Path:
    """The folder of a room; the schedules stand beside the package."""
    return ROOT / room if room == "dags" else PACKAGE / room


def package_of(module: str) -> str:
    """A room of ours, else the top-level package."""
    first, _, rest = module.partition(".")
    return rest.split(".")[0] if first == "lossledger" else first


def imports(room: str) -> set[str]:
    """Top-level packages that a room imports, its own and the standard library's left out."""
    found: set[str] = set()
    for path in place_of(room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {package_of(alias.name) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(package_of(node.module))
    beside = {path.stem for path in place_of(room).glob("*.py")}  # how the DAGs import each other
    return found - set(sys.stdlib_module_names) - beside - {room}


def arrows(text: str, arrow: str) -> set[tuple[str, str]]:
    """(from, to) of the drawing's chains of one kind of arrow."""
    found = set()
    for line in text.splitlines():
        chain = re.split(re.escape(arrow), line.strip()) if arrow in line else []
        names = [re.sub(r"\|.*?\|", "", name).strip() for name in chain]
        found |= set(pairwise(names))
    return found


def reachable(edges: set[tuple[str, str]], start: str) -> Iterator[str]:
    for a, b in edges:
        if a == start:
            yield b
            yield from reachable(edges, b)


def test_every_room_has_a_row() -> None:
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert set(ROWS) == {*rooms, "dags"}
    assert LINTER["root_packages"] == ["lossledger"]


@pytest.mark.parametrize("room", ROWS)
def test_a_room_imports_what_its_row_says(room: str) -> None:
    _, _, ours, outside = ROWS[room]
    found = imports(room)
    assert codes(ours) == sorted(found & set(ROWS))
    assert codes(outside) == sorted(found - set(ROWS))


@pytest.mark.parametrize("room", ROWS)
def test_files_named_in_a_row_are_there(room: str) -> None:
    named = [name for name in codes(ROWS[room][1]) if re.fullmatch(r"\w+(\.py|/)", name)]
    assert [name for name in named if not (place_of(room) / name).exists()] == []


def test_no_row_grants_what_the_linter_forbids() -> None:
    for contract in LINTER["contracts"]:
        named = [name.removeprefix("lossledger.") for name in contract.get("source_modules", ())]
        whole = [room for room in named if "." not in room]
        for room in whole:  # a part of a room has no row
            granted = {*codes(ROWS[room][2]), *codes(ROWS[room][3])}
            forbidden = {name.removeprefix("lossledger.") for name in contract["forbidden_modules"]}
            assert granted & forbidden == set(), contract["id"]


def test_an_arrow_is_an_import_and_every_import_follows_arrows() -> None:
    (drawing,) = [block.text for block in blocks(PAGE) if block.language == "mermaid"]
    solid = arrows(drawing, "-->")
    used = {(used, room) for room in ROWS for used in imports(room) & set(ROWS)}
    assert solid <= used
    assert [(a, b) for a, b in used if b not in set(reachable(solid, a))] == []
    assert arrows(drawing, "-.->") == {("cli", "dags")}
    assert "lossledger.cli.stage" in (ROOT / "dags" / "nightly.py").read_text(encoding="utf-8")


def test_only_one_place_has_the_table() -> None:
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md"):
        text = page.read_text(encoding="utf-8")
        assert "architecture.md#rooms-and-arrows" in text
        assert "| `engine/` |" not in text


def test_folders_of_tests_are_there() -> None:
    rows = table(ROOT / "CONTRIBUTING.md", "## Tests")
    named = {Path(name) for row in rows for name in codes(row[0])}
    there = {
        path.relative_to(ROOT)
        for path in (ROOT / "tests").iterdir()
        if path.is_dir() and path.name != "__pycache__"
    }
    assert named == there
