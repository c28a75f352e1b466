"""The monthly report's DAG: which month, which commands, which failures are tried again."""

import importlib.util
from datetime import date
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.dags
PATH = Path(__file__).resolve().parents[2] / "dags" / "report.py"


@pytest.fixture(scope="module")
def report() -> ModuleType:
    """The DAG file, as a module."""
    spec = importlib.util.spec_from_file_location("monthly_report", PATH)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def context(key: str | None = None, **params: Any) -> dict[str, Any]:
    return {"dag_run": SimpleNamespace(partition_key=key), "params": params}


@pytest.mark.parametrize(
    ("text", "last"), [("2024-02", "2024-02-29"), ("2025-12", "2025-12-31"), ("2025-10", "2025-10-31")]
)
def test_a_month_is_its_dates(report: ModuleType, text: str, last: str) -> None:
    assert report.month(context(text)) == (date.fromisoformat(f"{text}-01"), date.fromisoformat(last))
    assert report.month(context(month=text)) == report.month(context(text))


def test_a_report_is_made_and_verified(report: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOSSLEDGER_PYTHON", "python")
    monkeypatch.setenv("LOSSLEDGER_VENUE", "A Venue")
    asked = context("2025-10", warehouse="w", reports="r", allow_missing=True)
    assert report.commands("public", asked) == [
        ["python", "-m", "lossledger.cli.main", "report", "--warehouse", "w", "--from", "2025-10-01", "--to",
         "2025-10-31", "--audience", "public", "--out", "r/2025-10/public", "--venue", "A Venue", "--allow-missing"],
        ["python", "-m", "lossledger.cli.main", "verify-report", "r/2025-10/public", "--warehouse", "w"],
    ]  # fmt: skip


def test_the_month_before_is_named_where_it_is_there(report: ModuleType, tmp_path: Path) -> None:
    before = tmp_path / "2025-09" / "public"
    before.mkdir(parents=True)
    (before / "manifest.json").touch()
    made, _ = report.commands("public", context("2025-10", warehouse="w", reports=str(tmp_path)))
    assert made[-2:] == ["--previous", str(before)]
    made, _ = report.commands("regulator", context("2025-10", warehouse="w", reports=str(tmp_path)))
    assert "--previous" not in made


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (context(), "no month"),
        (context("2025-13"), "is no month"),
        (context("2025-10"), "set LOSSLEDGER_WAREHOUSE"),
        (context("2025-10", warehouse="w"), "set LOSSLEDGER_REPORTS"),
    ],
)
def test_what_is_missing_is_said(
    report: ModuleType, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any], says: str
) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    for name in ("WAREHOUSE", "REPORTS"):
        monkeypatch.delenv(f"LOSSLEDGER_{name}", raising=False)
    with pytest.raises(AirflowFailException, match=says):
        report.commands("public", asked)


@pytest.mark.parametrize(("code", "error"), [(4, "AirflowException"), (2, "AirflowFailException")])
def test_only_a_passing_fault_is_tried_again(report: ModuleType, code: int, error: str) -> None:
    with pytest.raises(Exception, match=r"what it said") as caught:
        report.run_command(["sh", "-c", f"echo what it said; exit {code}"])
    assert type(caught.value).__name__ == error
    report.run_command(["true"])
