"""The gate in a run: what fails a check is not published, and ops.dq_results says why."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import lossledger.jobs.stages
from lossledger.engine.errors import DataError
from lossledger.expectations.suites import published_suites
from lossledger.jobs.attribute.attribute import attribute_day
from lossledger.jobs.day import Day
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.schemas.attribution import INSURANCE_FUND_DAILY
from lossledger.schemas.ops import DQ_RESULTS, RUNS
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse

LANDING = Path(__file__).resolve().parents[1] / "data" / "cases" / "recorded_profit" / "landing"
FIRST, LAST = date(2025, 10, 9), date(2025, 10, 10)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse with both dates published."""
    warehouse = tmp_path_factory.mktemp("published") / "warehouse"
    list(run(Request(LANDING, warehouse, FIRST, LAST, InProcess())))
    return warehouse


@pytest.fixture
def spoiled_fund(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The second date's fund closes 10^-18 too high."""

    def attribute(day: Day, *rest: Any) -> None:
        attribute_day(day, *rest)
        if day.day == LAST:
            fund = day.staging.read(INSURANCE_FUND_DAILY)
            closing = [amount + Decimal("1e-18") for amount in fund.column("closing").to_pylist()]
            at = fund.column_names.index("closing")
            spoiled = fund.set_column(at, "closing", pa.array(closing, pa.decimal128(38, 18)))
            day.staging.write(INSURANCE_FUND_DAILY, spoiled)

    with monkeypatch.context() as patch:
        patch.setattr(lossledger.jobs.stages, "attribute_day", attribute)
        yield patch


def results(warehouse: Path, day: date) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Warehouse(warehouse).read(DQ_RESULTS, day).to_pylist()
    return found


def test_a_published_date_has_a_row_for_every_check(published: Path) -> None:
    for day in (FIRST, LAST):
        rows = results(published, day)
        assert [(r["table_name"], r["expectation"]) for r in rows] == sorted(
            (table, check.name) for table, checks in published_suites().items() for check in checks
        )
        assert {r["expectation"] for r in rows if not r["success"]} <= {
            "reconciliation_breaks",
            "reconciliation_undetermined",
        }
        assert len({r["run_id"] for r in rows}) == 1
        assert {len(r["suite_sha256"]) for r in rows} == {64}


def test_a_failed_check_leaves_the_date_unpublished(tmp_path: Path, spoiled_fund: pytest.MonkeyPatch) -> None:
    request = Request(LANDING, tmp_path / "warehouse", FIRST, LAST, InProcess())
    with pytest.raises(DataError) as error:
        list(run(request))
    assert error.value.exit_code == 3
    assert str(error.value).startswith(
        "2025-10-10 was not published: attribution.insurance_fund_daily fails whole_ledger_units: "
        "2 rows violate it; 3 more checks failed. ops.dq_results"
    )
    assert "\n" not in str(error.value)
    warehouse = Warehouse(request.warehouse)
    assert list(published_days(warehouse)) == [FIRST]
    assert warehouse.days(INSURANCE_FUND_DAILY) == [FIRST]
    failed = {r["expectation"]: r for r in results(request.warehouse, LAST) if not r["success"]}
    assert {"fund_bridge", "fund_ledger_closing"} <= set(failed)
    assert failed["fund_bridge"]["unexpected_count"] == 2
    assert json.loads(failed["fund_bridge"]["examples"])[0]["closing"].endswith("0000000001")
    assert [r["outcome"] for r in warehouse.read(RUNS, LAST).to_pylist()] == ["failed"]

    spoiled_fund.undo()
    list(run(request))
    assert list(published_days(Warehouse(request.warehouse))) == [FIRST, LAST]
    rows = results(request.warehouse, LAST)
    assert {r["run_id"] for r in rows} == {
        published_days(warehouse := Warehouse(request.warehouse))[LAST].run_id
    }
    assert "fund_bridge" not in {r["expectation"] for r in rows if not r["success"]}
    assert warehouse.days(DQ_RESULTS) == [FIRST, LAST]


def test_a_rerun_that_changes_nothing_leaves_no_new_rows(published: Path, tmp_path: Path) -> None:
    warehouse, landing = tmp_path / "warehouse", tmp_path / "landing"
    shutil.copytree(published, warehouse)
    shutil.copytree(LANDING, landing)
    before = results(warehouse, LAST)
    folder = next((landing / "transfers").glob(f"date={LAST}"))
    delivered = sorted(folder.iterdir())[0]
    again = folder / f"z_again_{delivered.name}"  # every row once more, in another file: duplicates, ignored
    again.write_bytes(delivered.read_bytes() + b"\n")
    *_, last = run(Request(landing, warehouse, FIRST, LAST, InProcess()))
    assert last.endswith("nothing changed")
    assert results(warehouse, LAST) == before


QUIET = """
import socket, sys

def refuse(*arguments):
    print("connects to", arguments)

socket.socket.connect = socket.getaddrinfo = refuse
from lossledger.expectations.run import checker
from tests.expectations.day import DAY, good_day, to_tables

assert "great_expectations" not in sys.modules
results = checker().run(to_tables(good_day()), DAY)
assert "great_expectations.datasource.fluent.spark_datasource" not in sys.modules
sys.exit(0 if all(r.success for r in results) else 1)
"""


def test_checking_says_nothing_and_sends_nothing() -> None:
    """In a new process, for what Great Expectations does when it is imported; what no suite uses stays out."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GX_")} | {"PYTHONPATH": "."}
    done = subprocess.run(
        [sys.executable, "-c", QUIET],
        cwd=Path(__file__).resolve().parents[2],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
