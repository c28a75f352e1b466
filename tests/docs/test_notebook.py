"""The notebook runs to its end, on the demonstration and on a warehouse that looks otherwise."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lossledger.engine.errors import InvariantError
from tests.cases import run_case


def run_notebook(warehouse: Path, **given: Any) -> dict[str, Any]:
    """What its cells define. It checks its own figures: InvariantError when one does not hold."""
    from examples.analysis import app

    _, defined = app.run(defs={"warehouse": warehouse, **given})
    return dict(defined)


@pytest.fixture(scope="module")
def edges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    warehouse = tmp_path_factory.mktemp("notebook") / "warehouse"
    run_case("edges", warehouse)
    return warehouse


@pytest.mark.spark
@pytest.mark.slow
def test_the_day_of_the_crash(demo_checkout: tuple[Path, str]) -> None:
    checkout, _ = demo_checkout
    found = run_notebook(checkout / "demo" / "warehouse")
    assert found["most"] == "a0129"
    assert found["published"]["a0129"] == Decimal("12475.993015")
    assert len(found["published"]) == 76


def test_another_warehouse(edges: Path) -> None:
    found = run_notebook(edges)
    assert sum(found["published"].values()) == found["session"]["socialised"] > 0


def test_it_does_not_go_on_from_a_figure_that_is_wrong(edges: Path) -> None:
    with pytest.raises(InvariantError):
        run_notebook(edges, fund={"draws": Decimal(1)})
