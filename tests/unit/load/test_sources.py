"""What a date was computed from is kept with it, and says why it was restated."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lossledger.engine.intake.policy import Policy
from lossledger.engine.intake.policy_text import policy_rows
from lossledger.engine.rules.version import RULES_VERSION
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.schemas.ops import PUBLISHED_FROM, RESTATEMENT_REASONS, RESTATEMENTS
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, run_dates, small_landing
from tests.lived import small_warehouse


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def reasons(warehouse: Path, day: date) -> list[str]:
    found = Warehouse(warehouse).read(RESTATEMENT_REASONS, day).to_pylist()
    return [row["reason"] for row in found]


def policies(warehouse: Path, as_of: str | None = None) -> dict[tuple[date, str], str]:
    rows = PublishedTables.open(warehouse, as_of).rows("ops.policies").to_pylist()
    return {(row["business_date"], row["key"]): row["value"] for row in rows}


def test_a_late_file_is_the_reason_and_then_the_date_before(landing: Path, warehouse: Path) -> None:
    small_warehouse(D10, warehouse)
    file = add_late(landing)
    run_dates(landing, warehouse, D9, D10)
    assert reasons(warehouse, D9) == [f"input transfers of {D9} changed (file {file})"]
    assert reasons(warehouse, D10) == [f"the date before, {D9}, was restated"]


def test_a_run_that_died_before_its_commit_says_it_once(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler starts the stage again, in the same run."""
    small_warehouse(D9, warehouse)
    add_late(landing)
    monkeypatch.setattr("lossledger.jobs.run.new_run_id", lambda: "the run")
    with monkeypatch.context() as patch:
        patch.setattr("lossledger.jobs.publish.record_sources", power_cut)
        with pytest.raises(OSError, match="power cut"):
            run_dates(landing, warehouse, D9, D9)
    before = Warehouse(warehouse).read(RESTATEMENTS, D9).num_rows
    assert before
    run_dates(landing, warehouse, D9, D9)
    assert Warehouse(warehouse).read(RESTATEMENTS, D9).num_rows == before
    assert len(reasons(warehouse, D9)) == 1


def power_cut(*anything: object) -> None:
    raise OSError("power cut")


def add_late(landing: Path) -> str:
    """A deposit on the first date, in a file of its own."""
    folder = landing / "transfers" / f"date={D9}"
    folder.mkdir(parents=True, exist_ok=True)
    text = "transfer_id,ts,account_id,currency,isolation,amount,kind\nlate,2025-10-09T09:00:00Z,b,USD,,5,deposit\n"
    (folder / "late.csv").write_text(text)
    return f"transfers/date={D9}/late.csv"


def test_the_policy_in_force_is_a_table_and_a_changed_key_a_reason(landing: Path, warehouse: Path) -> None:
    small_warehouse(D9, warehouse)
    (run,) = [PublishedTables.open(warehouse).published(D9).run_id]
    policy = landing / "policy.yaml"
    before = policy.read_text() if policy.exists() else ""
    entry = "- valid_from: 2025-01-01\n  profit_floor_rate: 0.5\n  liquidation_fee_to: venue\n"
    policy.write_text(before + entry)
    add_late(landing)
    run_dates(landing, warehouse, D9, D9)
    assert policies(warehouse)[D9, "profit_floor_rate"] == "0.5"
    assert policies(warehouse)[D9, "session_start"] == "00:00"
    assert policies(warehouse, run)[D9, "profit_floor_rate"] == "0.01"
    assert "policy key profit_floor_rate: 0.01 -> 0.5" in reasons(warehouse, D9)
    rows = Warehouse(warehouse).read(PUBLISHED_FROM, D9).to_pylist()
    assert [row["value"] for row in rows if row["kind"] == "policy_file"] == [before + entry]


def test_a_key_that_the_version_before_did_not_have_is_no_reason(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its default held then, too. Another value is a reason."""
    keys = ("dominance_share", "small_cell")

    def rows_without(policy: Policy, start: int, end: int) -> list[dict[str, Any]]:
        return [row for row in policy_rows(policy, start, end) if row["key"] not in keys]

    with monkeypatch.context() as before:
        before.setattr("lossledger.jobs.sources.policy_rows", rows_without)
        run_dates(landing, warehouse, D9, D9)
    policy = landing / "policy.yaml"
    policy.write_text(policy.read_text() + "- valid_from: 2025-01-01\n  small_cell: 4\n")
    add_late(landing)
    run_dates(landing, warehouse, D9, D9)
    found = [reason for reason in reasons(warehouse, D9) if reason.startswith("policy")]
    assert found == ["policy key small_cell: 5 -> 4"]


def test_another_version_of_the_rules_is_a_reason(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_warehouse(D9, warehouse)
    add_late(landing)
    monkeypatch.setattr("lossledger.jobs.stages.RULES_VERSION", "next")
    run_dates(landing, warehouse, D9, D9)
    assert f"the rules changed ({RULES_VERSION} -> next)" in reasons(warehouse, D9)


def test_a_warehouse_made_before_gets_the_tables_and_says_that_nothing_was_recorded(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr("lossledger.jobs.publish.record_sources", lambda *_: {})
        run_dates(landing, warehouse, D9, D10)
    for name in ("policies", "published_from", "restatement_reasons"):
        shutil.rmtree(warehouse / "ops" / name)
    assert policies(warehouse) == {}
    add_late(landing)
    run_dates(landing, warehouse, D9, D10)
    assert reasons(warehouse, D9) == ["not recorded: the date was published before its sources were kept"]
    assert {day for day, _ in policies(warehouse)} == {D9, D10}
