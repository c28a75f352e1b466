"""A warehouse of format 4 goes on: new columns come with the next run, and old dates stay what they are."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from lossledger.engine.errors import ConfigError
from lossledger.engine.rules.version import RULES_VERSION
from lossledger.jobs.load.columns.load_stages import LoadStages
from lossledger.jobs.load.deliveries import LOAD_VERSION
from lossledger.jobs.maintain import maintain_lines
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from lossledger.readers.explain.account_session import PublishedDates
from lossledger.readers.explain.explanation import explain_account
from lossledger.readers.published.published_tables import PublishedTables
from lossledger.readers.report.report_verification import verify, verify_lines
from lossledger.readers.status import status_lines
from lossledger.schemas.ledger import DELIVERIES
from lossledger.schemas.ops import PUBLISHED_DAYS, PUBLISHED_FROM, RESTATEMENT_REASONS
from lossledger.schemas.provenance import OLDEST_FORMAT, columns_in
from lossledger.schemas.registry import TABLES
from lossledger.store.marker import FORMAT
from lossledger.store.published_dates import published_days
from lossledger.store.table_hashes import stored_sha256
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, run_dates, small_landing
from tests.explained import differing
from tests.format4 import NEW_DATE, OLD_DATES, Format4
from tests.lived import small_warehouse
from tests.unchecked import unchecked


def query(root: Path, sql: str) -> list[tuple]:
    with PublishedTables.open(root).connect() as database:
        return database.sql(sql).fetchall()


def format_of(root: Path) -> int:
    return json.loads((root / "lossledger.json").read_text())["warehouse_format"]


def columns(root: Path, name: str) -> set[str]:
    """As they are stored."""
    return {field.name for field in DeltaTable(str(root / name)).schema().fields}


def expect_old_dates(old: Format4) -> None:
    """They are told, explained and verified as they were published."""
    assert list(verify_lines(old.report, old.warehouse))[-1].startswith("every figure")
    assert list(differing(old.warehouse)) == []
    superseded = (
        "SELECT sum(superseded), count(superseded) FROM ledger.deliveries WHERE event_date <= '2025-10-10'"
    )
    assert query(old.warehouse, f"{superseded} AND event_date > '2000-01-01'") == [(0, 9)]
    assert query(old.warehouse, f"{superseded} AND superseded = 0 AND dataset = 'ticks'") == [(0, 2)]
    hashed = "SELECT table_columns FROM published_days WHERE business_date <= '2025-10-10'"
    assert query(old.warehouse, hashed) == [("",), ("",)]


def test_its_readers_need_no_migration_and_write_nothing(warehouse_format4: Format4) -> None:
    old = warehouse_format4
    before = {path: path.stat().st_mtime_ns for path in old.warehouse.rglob("*")}
    assert next(status_lines(old.warehouse)).startswith("published  2 dates")
    expect_old_dates(old)
    list(maintain_lines(old.warehouse, dry_run=True))
    assert {path: path.stat().st_mtime_ns for path in old.warehouse.rglob("*")} == before


def test_it_goes_on_to_a_new_date(warehouse_format4: Format4) -> None:
    old = warehouse_format4
    before = published_days(Warehouse(old.warehouse))
    assert run_dates(old.landing, old.warehouse, NEW_DATE)[0].startswith(f"{NEW_DATE}  published")
    assert format_of(old.warehouse) == FORMAT
    assert "superseded" in columns(old.warehouse, "ledger/deliveries")
    assert "table_columns" in columns(old.warehouse, "ops/published_days")
    now = published_days(Warehouse(old.warehouse))
    assert {day: now[day] for day in OLD_DATES} == before, "old dates are not written again"
    anew = "SELECT DISTINCT event_date FROM ledger.deliveries WHERE content_sha256 <> '' ORDER BY event_date"
    assert query(old.warehouse, anew) == [(date(1970, 1, 1),), (NEW_DATE,)]
    expect_old_dates(old)
    assert run_dates(old.landing, old.warehouse, NEW_DATE)[-1].endswith("nothing changed")


def test_an_old_date_is_hashed_over_the_columns_that_it_was_published_with(
    warehouse_format4: Format4,
) -> None:
    """And those are declared as of format 4, in their order."""
    warehouse = Warehouse(warehouse_format4.warehouse)
    for name in published_days(warehouse)[D9].table_versions:
        stored = [field.name for field in warehouse.delta(TABLES[name]).schema().fields]
        assert tuple(stored) == columns_in(TABLES[name], OLDEST_FORMAT)
    for day, row in published_days(warehouse).items():
        for name, sha256 in row.table_sha256.items():
            table = TABLES[name]
            args = (warehouse, table, day, row.version_of(table), row.columns_of(table))
            assert stored_sha256(*args) == sha256, (day, name)


def test_an_old_date_that_comes_out_the_same_is_not_restated(warehouse_format4: Format4) -> None:
    """Its second date, computed from the first as it was published: equal but for what the rules changed on purpose."""
    old = warehouse_format4
    run_dates(old.landing, old.warehouse, *OLD_DATES)
    changed = {name for (name,) in query(old.warehouse, "SELECT DISTINCT table_name FROM restatements")}
    # Fill 9 comes before fill 10 now: another profit, and so another basis of session_losses.
    assert not changed & {"attribution.liquidations", "attribution.negative_balances"}


def test_run_again_its_files_are_judged_anew_and_the_reason_is_the_rules(
    warehouse_format4: Format4, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = warehouse_format4
    as_if_it_came_out_differently(monkeypatch)
    run_dates(old.landing, old.warehouse, *OLD_DATES)
    warehouse = Warehouse(old.warehouse)
    rows = warehouse.read(RESTATEMENT_REASONS, OLD_DATES[0]).to_pylist()
    assert {row["reason"] for row in rows} == {
        f"the rules changed (2 -> {RULES_VERSION})",
        f"the load's rules changed (1 -> {LOAD_VERSION})",
    }
    assert query(old.warehouse, "SELECT count(*) FROM ledger.deliveries WHERE content_sha256 = ''") == [(0,)]
    named = PublishedTables.open(old.warehouse).rows(PUBLISHED_FROM.full_name, [OLD_DATES[0]]).to_pylist()
    assert {(row["name"], row["value"]) for row in named if row["kind"] == "rules"} == {
        ("version", RULES_VERSION),
        ("load", LOAD_VERSION),
    }


def as_if_it_came_out_differently(monkeypatch: pytest.MonkeyPatch) -> None:
    """Today's first dates, whatever they are, beside published ones that were something else."""
    from lossledger.jobs.publish import published_hashes

    def other(*args: Any) -> dict[str, str]:
        found = dict(published_hashes(*args))
        return found | {"attribution.account_daily": "another"} if found else found

    monkeypatch.setattr("lossledger.jobs.publish.published_hashes", other)


def test_the_first_date_is_restated_since_fill_9_comes_before_fill_10(warehouse_format4: Format4) -> None:
    """Long 1 at 3,900, buys 1 at 4,000 (9), sells 1 at 4,010 (10): 4,010 - 3,950 are realised, and not 110."""
    old = warehouse_format4
    realised = (
        "SELECT arg_min(realised_pnl, business_date)::varchar FROM account_daily WHERE account_id = 'carl'"
    )
    [(before,)] = query(old.warehouse, realised)
    assert float(before) == 110
    run_dates(old.landing, old.warehouse, *OLD_DATES)
    [(after,)] = query(old.warehouse, realised)
    assert float(after) == 60
    reasons = Warehouse(old.warehouse).read(RESTATEMENT_REASONS, OLD_DATES[0]).to_pylist()
    assert {row["reason"] for row in reasons} == {
        f"the rules changed (2 -> {RULES_VERSION})",
        f"the load's rules changed (1 -> {LOAD_VERSION})",
    }
    findings = verify(old.report, old.warehouse).findings
    assert any("was restated by run" in finding for finding in findings), (
        "the report says what it was made from"
    )
    assert not any("rows of version" in finding for finding in findings), "which is still there"


def test_explain_names_the_rules_where_a_figure_differs_that_other_rules_gave(
    warehouse_format4: Format4, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = warehouse_format4

    def facts() -> dict[str, str]:
        return dict(explain_account(PublishedDates.open(old.warehouse), "anna", OLD_DATES[1]).facts)

    assert "rules" not in facts(), "all are equal"
    monkeypatch.setattr(
        "lossledger.readers.explain.published_comparison.Comparison.cell",
        lambda _, column, row, named: str(id(row)),
    )
    assert "published under version 2 of the rules" in facts()["rules"]


def test_a_folder_of_a_published_session_is_judged_anew_and_no_late_row_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sessions from 08:00: the folder of the 10th has rows of two. Other rules of the load are no late delivery."""
    landing, warehouse = small_landing(tmp_path / "landing"), tmp_path / "warehouse"
    with (landing / "policy.yaml").open("a") as policy:
        policy.write("  session_start: '08:00'\n")
    monkeypatch.setattr("lossledger.jobs.load.deliveries.LOAD_VERSION", "before")
    run_dates(landing, warehouse, D9)
    monkeypatch.setattr("lossledger.jobs.load.deliveries.LOAD_VERSION", "after")
    again: list[bool] = []
    real = LoadStages.refuse_late_rows
    monkeypatch.setattr(
        LoadStages,
        "refuse_late_rows",
        lambda staging, incoming, start: (
            again.extend(i.again for i in incoming) or real(staging, incoming, start)
        ),
    )
    monkeypatch.setattr("lossledger.jobs.load.columns.load_stages.published_rows_differ", lambda task: True)
    run_dates(landing, warehouse, D10)
    assert again == [True, True], "fills and ticks of the 10th"


def test_a_warehouse_of_today_is_not_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The marker says that all columns are there: a night opens no table to find out."""
    warehouse = small_warehouse(D9, tmp_path / "warehouse")
    monkeypatch.setattr(Warehouse, "_add_columns", lambda self: pytest.fail("looked at"))
    run_dates(small_landing(tmp_path / "landing"), warehouse, D10)


def test_a_run_that_died_while_it_added_columns_is_gone_on_with(
    warehouse_format4: Format4, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = warehouse_format4.warehouse
    with monkeypatch.context() as patch:
        patch.setattr("lossledger.store.warehouse.write_marker", power_cut)
        with pytest.raises(ConfigError, match="power cut"), Warehouse.made(root):
            pass
    assert format_of(root) == OLDEST_FORMAT
    versions = [Warehouse(root).version(table) for table in (DELIVERIES, PUBLISHED_DAYS)]
    with Warehouse.made(root) as warehouse:
        assert [warehouse.version(table) for table in (DELIVERIES, PUBLISHED_DAYS)] == versions
    assert format_of(root) == FORMAT


def power_cut(*anything: object) -> None:
    raise OSError("power cut")


def test_a_scenario_goes_on_from_its_published_state(warehouse_format4: Format4, tmp_path: Path) -> None:
    """It is made of tables of before; the published dates are only read."""
    old, landing = warehouse_format4, tmp_path / "landing"
    shutil.copytree(old.landing, landing)
    (landing / "scenarios").mkdir()
    (landing / "scenarios" / "nobody-pays.yaml").write_text("name: nobody-pays\npolicy:\n  sharing: none\n")
    before = published_days(Warehouse(old.warehouse))
    again = OLD_DATES[1]
    list(run(Request(landing, old.warehouse, again, again, InProcess(2), None, "nobody-pays", unchecked)))
    assert published_days(Warehouse(old.warehouse)) == before
    scenario = Warehouse(old.warehouse / "scenarios" / "nobody-pays")
    [day] = published_days(scenario).values()
    assert scenario.read(TABLES["attribution.session_losses"], day.day).column("socialised").to_pylist() == [
        0
    ]
    assert {row["superseded"] for row in scenario.read(DELIVERIES, OLD_DATES[0]).to_pylist()} == {0}
