"""The pages say what the input cannot: `tests/unit/adapters/test_adapted_days.py` has what is published instead."""

import re

import pytest

from lossledger.adapters.registry import VENUES
from tests.docs.pages import ROOT

CONVENTIONS = (ROOT / "docs" / "adapters" / "conventions.md").read_text(encoding="utf-8")
METHOD = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
LIMITS = {
    "A value that is rounded per contract": ("BitMEX", "0.00048668", "break"),
    "Long and short at once": ("positionSide", "−10", "hedge mode"),
    "A fee in another currency": ("BNB", "0.00001", "never covers"),
}


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_has_a_section_with_its_figures_and_the_method_leads_to_it(limit: str) -> None:
    section = words(CONVENTIONS.split(f"### {limit}\n", 1)[1].partition("\n#")[0])
    assert [fact for fact in LIMITS[limit] if fact not in section] == []
    assert f"(adapters/conventions.md#{limit.lower().replace(' ', '-')})" in METHOD


def test_the_sign_of_a_fee_is_said_where_data_is_brought() -> None:
    row = next(line for line in CONVENTIONS.splitlines() if line.startswith("| `fills.fee` |"))
    assert "positive = **paid**" in row and "negative = a rebate" in row


def test_every_adapter_has_a_page_that_the_readme_or_the_index_names() -> None:
    pages = "".join((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/index.md"))
    named = set(re.findall(r"adapters/([\w-]+)\.md", pages))
    assert {venue.removesuffix("-last") for venue in VENUES} | {"conventions"} <= named
    assert all((ROOT / "docs" / "adapters" / f"{name}.md").is_file() for name in named)
