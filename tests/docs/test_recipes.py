"""The queries of docs/recipes.md give what the page shows, and answer where the demonstration has nothing to say."""

from pathlib import Path

import pytest

from readers.published.tables import PublishedTables
from scripts.recipes import TARGET, queries, render
from tests.unit.test_published_tables import SECOND, Restated

EMPTY_ON_THE_DEMO = ("ops.restatements",)


@pytest.fixture(scope="module")
def restated(tmp_path_factory: pytest.TempPathFactory) -> Restated:
    """Two dates published, then both anew after a deposit was left out."""
    return Restated(tmp_path_factory.mktemp("recipes"))


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


def test_a_restatement_says_why(restated: Restated) -> None:
    """The deposit that was left out is of the second date, and that file is the one reason."""
    [query] = [sql for sql in queries() if "ops.restatements" in sql]
    with PublishedTables.open(restated.root).connect() as database:
        rows = database.execute(query).to_arrow_table().to_pylist()
    assert "attribution.account_daily" in {row["table_name"] for row in rows}
    file = f"transfers/date={SECOND}/part-0.parquet"
    assert {(row["business_date"], row["reasons"]) for row in rows} == {
        (SECOND, f"input transfers of {SECOND} changed (file {file})")
    }


def test_the_same_query_shows_what_was_known_then(restated: Restated) -> None:
    query = next(sql for sql in queries() if "strftime(business_date, '%Y-%m')" in sql)

    def answer(**then: object) -> list[tuple[object, ...]]:
        with PublishedTables.open(restated.root, **then).connect() as database:
            return database.execute(query).fetchall()

    assert answer() != answer(as_of=restated.run_id)
    assert answer(as_of=restated.then) == answer(as_of=restated.run_id)
