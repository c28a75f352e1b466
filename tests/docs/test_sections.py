"""Whoever knows a section of rules.md by its number finds its examples and its code."""

import ast
import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT

RULES = (ROOT / "docs" / "spec" / "rules.md").read_text(encoding="utf-8")
NOT_IN_A_RUN: set[int] = set()  # sections that the engine has and no run replays
SECTIONS = list(map(int, re.findall(r"^## (\d+)\. ", RULES, re.MULTILINE)))
SPEC = sorted((ROOT / "tests" / "spec").glob("test_*.py"))
CODE = [
    *sorted((ROOT / "src" / "lossledger" / "engine" / "rules").glob("*.py")),
    ROOT / "src" / "lossledger" / "engine" / "numbers.py",
]


def sections(path: Path) -> set[int]:
    """The sections that a file's first paragraph says it is about."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    said = re.search(r"(?:rules\.md )?sections? ([\d, and]+)", text)
    return {int(number) for number in re.findall(r"\d+", said[1])} if said else set()


def test_the_sections_are_counted() -> None:
    assert list(range(1, 16)) == SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_has_a_file_of_examples_and_one_of_code(section: int) -> None:
    assert [
        path for path in SPEC if path.name.startswith(f"test_{section:02}_") and section in sections(path)
    ]
    assert [path for path in CODE if section in sections(path)]


def test_a_section_that_no_run_replays_says_so_in_its_heading() -> None:
    headed = re.findall(r"^## (\d+)\. .* \(not yet\)$", RULES, re.MULTILINE)
    assert set(map(int, headed)) == NOT_IN_A_RUN


def test_a_file_of_examples_is_numbered_by_its_section() -> None:
    assert [path.name for path in SPEC if int(path.name[5:7]) not in sections(path)] == []
