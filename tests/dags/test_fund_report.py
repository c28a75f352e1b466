"""The example of another team's DAG: whatever it missed, it has after the next event."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lossledger.readers.query.sql_query import query_lines
from tests.builders import D9, D10, deliver, run_dates, small_landing

pytestmark = pytest.mark.dags

PATH = Path(__file__).resolve().parents[2] / "examples" / "airflow" / "fund_report.py"
LATE = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    t0          | 2025-10-09T09:30:00Z | b          | USD      |           | 5      | deposit
"""


@pytest.fixture(scope="module")
def fund_report() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fund_report", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_corrections_by_hand_and_missed_dates_are_made_up_for(
    fund_report: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of these runs is Airflow's, so none has an event: the next event of any date brings all of them."""
    landing, warehouse = small_landing(tmp_path / "landing"), tmp_path / "w"
    monkeypatch.setenv("LOSSLEDGER_WAREHOUSE", str(warehouse))
    monkeypatch.setenv("FUND_REPORTS", str(tmp_path / "reports"))
    run_dates(landing, warehouse, D9)
    assert fund_report.report.function() == ["2025-10-09"]  # by the command, as in production
    monkeypatch.setattr(
        fund_report, "query", lambda sql: "\n".join(query_lines(warehouse, sql, "csv", None, None, None))
    )
    run_dates(landing, warehouse, D10)
    assert fund_report.report.function() == ["2025-10-10"]
    assert fund_report.report.function() == []
    deliver(landing, "transfers", LATE, D9, "late.csv")
    run_dates(landing, warehouse, D9, D10)
    assert fund_report.report.function() == ["2025-10-09", "2025-10-10"]
    assert len(list((tmp_path / "reports").iterdir())) == 2
