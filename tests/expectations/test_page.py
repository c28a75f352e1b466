"""docs/checks.md says what the rules say."""

from pathlib import Path

from expectations.page import render
from expectations.rules import all_rules

PAGE = Path(__file__).resolve().parents[2] / "docs" / "checks.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run make docs"


def test_every_rule_is_on_the_page_once() -> None:
    page = render()
    assert {rule.name: page.count(f"[`{rule.name}`]") for rule in all_rules()} == {
        rule.name: 1 for rule in all_rules()
    }
