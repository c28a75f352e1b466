"""docs/checks.md says what the rules say."""

from lossledger.expectations.page import TARGET, render
from lossledger.expectations.rules import all_rules


def test_the_page_is_up_to_date() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run make docs"


def test_every_rule_is_on_the_page_once() -> None:
    page = render()
    assert {rule.name: page.count(f"[`{rule.name}`]") for rule in all_rules()} == {
        rule.name: 1 for rule in all_rules()
    }
