"""What may be imported: `lossledger.__all__`, nothing of it loaded before it is used."""

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

import lossledger
from tests.docs.pages import ROOT, codes, table
from tests.lived import case_warehouse


def test_every_public_name_is_there() -> None:
    assert [name for name in lossledger.__all__ if getattr(lossledger, name).__name__ != name] == []
    assert set(lossledger.__all__) <= set(dir(lossledger))
    assert (Path(lossledger.__file__).parent / "py.typed").exists()


def test_the_page_has_every_public_name() -> None:
    rows = table(ROOT / "docs" / "python.md", "## Public names")
    named = {code.partition("(")[0] for row in rows for cell in row for code in codes(cell)}
    assert set(lossledger.__all__) <= named


def test_importing_costs_nothing() -> None:
    code = "import sys, lossledger; print(sorted(m for m in sys.modules if m.startswith(('lossledger.', 'pyarrow'))))"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = lossledger.nothing


def test_a_query_gives_exact_decimals(tmp_path: Path) -> None:
    warehouse = case_warehouse("recorded_profit", date(2025, 10, 10), tmp_path / "warehouse")
    rows = lossledger.query(
        warehouse, "SELECT currency, sum(deficit) AS deficit FROM session_losses GROUP BY currency"
    )
    assert all(isinstance(row["deficit"], Decimal) for row in rows.to_pylist())
    assert lossledger.open_warehouse(warehouse).days


def test_no_warehouse_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(lossledger.ConfigError, match="is no Lossledger warehouse"):
        lossledger.open_warehouse(tmp_path)
