"""The queries of docs/recipes.md give what the page shows.

Where the demonstration has nothing to say, other tests run them: on restatements and positions that are taken over,
tests/unit/readers (test_published_tables.py, test_taken_over.py).
"""

from pathlib import Path

import pytest

from scripts.recipes import TARGET, render

EMPTY_ON_THE_DEMO = ("ops.restatements", "FROM takeover")


@pytest.mark.spark
@pytest.mark.slow
def test_results_are_those_of_the_demonstration(demo_checkout: tuple[Path, str]) -> None:
    """To the last digit. `.venv/bin/python -m scripts.recipes demo/warehouse` writes them anew."""
    checkout, _ = demo_checkout
    assert TARGET.read_text(encoding="utf-8") == render(checkout / "demo" / "warehouse")


def test_every_query_shows_a_row() -> None:
    shown = TARGET.read_text(encoding="utf-8").split("```sql\n")[1:]
    empty = [text.split("```")[0] for text in shown if "(0 rows)" in text]
    assert [query for query in empty if not any(name in query for name in EMPTY_ON_THE_DEMO)] == []
