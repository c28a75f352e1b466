"""Running again: the same input changes nothing, another input restates, a failure leaves no trace for readers."""

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

import lossledger.jobs.publish
from lossledger.engine.errors import ConfigError, DataError
from lossledger.schemas.attribution import ACCOUNT_DAILY, SESSION_LOSSES, TABLES
from lossledger.schemas.core import Table
from lossledger.schemas.ops import PUBLISHED_DAYS, RESTATEMENTS, RUNS
from lossledger.schemas.registry import TABLES as ALL_TABLES
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, add_rows, deliver, published_rows, run_dates, small_landing
from tests.lived import small_warehouse

DEPOSIT = "t3 | 2025-10-10T09:00:00Z | b | USD | | 5 | deposit"
DELIVERED = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    t3          | 2025-10-10T09:00:00Z | b          | USD      |           | 5      | deposit
"""
NEXT_TICKS = """
    ts                   | instrument_id | mark_price
    2025-10-11T10:00:00Z | P             | 900
"""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def versions(warehouse: Path) -> dict[str, int]:
    opened = Warehouse(warehouse)
    return {name: opened.version(table) for name, table in ALL_TABLES.items()}


def rows(warehouse: Path, table: Table) -> list[dict[str, object]]:
    found: list[dict[str, object]] = Warehouse(warehouse).read(table).to_pylist()
    return found


def published(warehouse: Path) -> dict[str, list[dict[str, object]]]:
    return {table.name: rows(warehouse, table) for table in TABLES}


def days(warehouse: Path) -> list[date]:
    return Warehouse(warehouse).days(PUBLISHED_DAYS)


def test_the_same_input_changes_nothing(landing: Path, warehouse: Path) -> None:
    """Not one table gets a new version, in one go or date by date."""
    small_warehouse(D10, warehouse)
    before = versions(warehouse)
    said = run_dates(landing, warehouse, D9, D10)
    assert [line.split("  (")[0] for line in said] == [
        "2025-10-09  unchanged",
        "2025-10-10  unchanged",
        "2025-10-09 to 2025-10-10: nothing changed",
    ]
    run_dates(landing, warehouse, D10)
    assert versions(warehouse) == before


def test_files_that_say_the_same_in_another_way_change_no_published_row(
    landing: Path, warehouse: Path
) -> None:
    """The delivery is another one and is loaded; what comes of it is what is published already."""
    small_warehouse(D10, warehouse)
    before = versions(warehouse)
    path = landing / "fills" / f"date={D10}" / "data.csv"
    path.write_text(path.read_text().replace(",880,", ",880.00,"))
    assert run_dates(landing, warehouse, D10)[-1].endswith("nothing changed")
    after = versions(warehouse)
    assert {name for name in before if before[name] != after[name]} <= {
        "raw.files",
        "ledger.fills",
        "ledger.deliveries",
        "ops.published_days",
        "ops.policies",
        "ops.published_from",
    }


def test_changed_input_of_the_last_date_restates_it(landing: Path, warehouse: Path) -> None:
    """What was published before stays readable at the version that ops.restatements names."""
    small_warehouse(D10, warehouse)
    before = rows(warehouse, ACCOUNT_DAILY)
    deliver(landing, "transfers", DELIVERED, D10)
    [line] = run_dates(landing, warehouse, D10)
    assert "  restated " in line
    restated = {str(row["table_name"]): row for row in rows(warehouse, RESTATEMENTS)}
    assert "attribution.account_daily" in restated
    assert "attribution.session_losses" not in restated  # its rows came out the same
    entry = restated["attribution.account_daily"]
    assert (entry["rows_before"], entry["rows_after"], entry["business_date"]) == (2, 2, D10)
    path = str(Warehouse(warehouse).path(ACCOUNT_DAILY))
    old = DeltaTable(path, version=int(str(entry["version_before"]))).to_pyarrow_table().to_pylist()
    assert sorted(map(str, old)) == sorted(map(str, before))


def test_changed_date_with_later_ones_published_is_run_up_to_the_last(landing: Path, warehouse: Path) -> None:
    """Later dates were computed from it: none of them may be left standing on numbers that are gone."""
    small_warehouse(D10, warehouse)
    deliver(landing, "ticks", NEXT_TICKS, D11)
    run_dates(landing, warehouse, D11)
    before = published(warehouse)
    deliver(landing, "transfers", DELIVERED, D10)
    with pytest.raises(ConfigError, match="run again with --to 2025-10-11"):
        run_dates(landing, warehouse, D10)
    assert published(warehouse) == before
    said = run_dates(landing, warehouse, D10, D11)
    assert ["restated" in line for line in said] == [True, True]


def test_restated_warehouse_is_that_of_a_first_run(landing: Path, warehouse: Path, tmp_path: Path) -> None:
    small_warehouse(D10, warehouse)
    deliver(landing, "ticks", NEXT_TICKS, D11)
    run_dates(landing, warehouse, D11)
    deliver(landing, "transfers", DELIVERED, D10)
    add_rows(landing, "transfers", "t4 | 2025-10-09T08:30:00Z | a | USD | | 1 | deposit", D9)
    run_dates(landing, warehouse, D9, D11)
    run_dates(landing, tmp_path / "fresh", D9, D11)
    anew, fresh = published(warehouse), published(tmp_path / "fresh")
    assert {name: sorted(map(str, r)) for name, r in anew.items()} == {
        name: sorted(map(str, r)) for name, r in fresh.items()
    }


def test_changed_rules_restate_too(landing: Path, warehouse: Path) -> None:
    small_warehouse(D10, warehouse)
    with (landing / "policy.yaml").open("a") as file:
        file.write("  sharing: none\n")
    assert "restated" in run_dates(landing, warehouse, D9, D10)[-1]
    assert {row["method"] for row in rows(warehouse, SESSION_LOSSES)} == {"none"}


def test_failing_date_leaves_the_dates_before_and_not_itself(landing: Path, warehouse: Path) -> None:
    """The delivery of the second date is bad; corrected, it is published by the same command."""
    path = landing / "fills" / f"date={D10}" / "data.csv"
    good = path.read_text()
    path.write_text(good.replace("880", "-880"))
    with pytest.raises(DataError, match="2 of 2 rows are quarantined"):
        run_dates(landing, warehouse, D9, D10)
    assert days(warehouse) == [D9]
    assert {row["business_date"] for table in TABLES for row in rows(warehouse, table)} == {D9}
    failed = [
        (row["business_date"], row["exit_code"])
        for row in rows(warehouse, RUNS)
        if row["outcome"] == "failed"
    ]
    assert failed == [(D10, 3)]
    path.write_text(good)
    assert "published" in run_dates(landing, warehouse, D10)[0]
    assert days(warehouse) == [D9, D10]


def test_error_in_the_replay_publishes_nothing_of_the_date(
    landing: Path, warehouse: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong after the load: readers see the state of before, and the next run mends it."""
    small_warehouse(D9, warehouse)
    before = published_rows(warehouse)

    def out_of_memory(*anything: object) -> None:
        raise MemoryError("no memory")

    with monkeypatch.context() as patch:
        patch.setattr("lossledger.jobs.stages.attribute_day", out_of_memory)
        with pytest.raises(MemoryError):
            run_dates(landing, warehouse, D10)
    assert published_rows(warehouse) == before
    assert "published" in run_dates(landing, warehouse, D10)[0]


def test_crash_between_tables_is_mended_by_the_next_run(
    landing: Path, warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A date is published by its row in ops.published_days, the last write."""
    small_warehouse(D9, warehouse)
    commit = lossledger.jobs.publish.commit_files
    written: list[str] = []

    def dies(warehouse: Warehouse, table: Table, *rest: Any) -> int:
        if len(written) == 3:
            raise OSError("power cut")
        written.append(table.name)
        return commit(warehouse, table, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(lossledger.jobs.publish, "commit_files", dies)
        with pytest.raises(OSError, match="power cut"):
            run_dates(landing, warehouse, D10)
    assert days(warehouse) == [D9]
    run_dates(landing, warehouse, D10)
    small_warehouse(D10, tmp_path / "fresh")
    assert days(warehouse) == [D9, D10]
    mended, fresh = published(warehouse), published(tmp_path / "fresh")
    assert {n: sorted(map(str, r)) for n, r in mended.items()} == {
        n: sorted(map(str, r)) for n, r in fresh.items()
    }


def test_late_rows_of_a_published_session_are_refused(landing: Path, warehouse: Path) -> None:
    """Sessions from 08:00: the folder of the 10th holds rows of the 9th's session, which is published."""
    with (landing / "policy.yaml").open("a") as file:
        file.write("  session_start: '08:00'\n")
    run_dates(landing, warehouse, D9)
    deliver(landing, "transfers", DELIVERED.replace("T09:00", "T07:00"), D10)
    with pytest.raises(
        DataError, match=r"transfers/date=2025-10-10 has changed rows before .*--from 2025-10-09"
    ):
        run_dates(landing, warehouse, D10)
    assert days(warehouse) == [D9]
    assert "restated" in run_dates(landing, warehouse, D9, D10)[0]


def test_published_tables_are_read_without_spark(warehouse: Path) -> None:
    """Plain Delta: exact decimals, UTC times, a comment on every column."""
    small_warehouse(D10, warehouse)
    kinds = {"DECIMAL": pa.decimal128(38, 18), "TIME": pa.timestamp("us", tz="UTC"), "DATE": pa.date32()}
    for table in TABLES:
        found = DeltaTable(str(warehouse / "attribution" / table.name)).to_pyarrow_table()
        assert found.column_names == [column.name for column in table.columns]
        for column in table.columns:
            if column.type.name in kinds:
                assert found.schema.field(column.name).type == kinds[column.type.name], (
                    table.name,
                    column.name,
                )
    [charge] = DeltaTable(str(warehouse / "attribution" / "socialised_losses")).to_pyarrow_table().to_pylist()
    assert (charge["account_id"], str(charge["charge"])) == ("b", "20.000000000000000000")


def test_every_table_is_there_even_without_rows(warehouse: Path) -> None:
    small_warehouse(D9, warehouse)
    for table in ALL_TABLES.values():
        assert DeltaTable(str(warehouse / table.schema / table.name)).version() >= 0
    assert rows(warehouse, TABLES[0]) == []
