"""What a venue's policy asks of a delivery: datasets that must be there, and breaks that keep a date back."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from lossledger.engine.errors import DataError
from lossledger.engine.rules.breaks import breaks_text, count_breaks
from lossledger.schemas.attribution import RECONCILIATION
from lossledger.schemas.ops import RUNS
from lossledger.store.published_dates import published_days
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, POLICY, deliver, run_dates, small_landing
from tests.lived import small_warehouse

BALANCES = """
    ts                   | account_id | currency | wallet_balance
    2025-10-09T12:00:00Z | a          | USD      | 100
    2025-10-09T12:00:00Z | b          | USD      | 999
"""


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def policy(landing: Path, *lines: str) -> None:
    (landing / "policy.yaml").write_text(POLICY + "".join(f"  {line}\n" for line in lines))


def header_only(landing: Path, day: date) -> None:
    folder = landing / "transfers" / f"date={day}"
    folder.mkdir(exist_ok=True)
    (folder / "data.csv").write_text("transfer_id,ts,account_id,currency,amount,kind\n")


def days(warehouse: Path) -> list[object]:
    return list(published_days(Warehouse(warehouse)))


def test_ticks_are_required_unless_the_policy_says_otherwise(landing: Path, warehouse: Path) -> None:
    shutil.rmtree(landing / "ticks")
    with pytest.raises(DataError, match=r"not complete: no file of ticks in date=2025-10-09,"):
        run_dates(landing, warehouse, D9)
    assert days(warehouse) == []
    assert [row["exit_code"] for row in Warehouse(warehouse).read(RUNS).to_pylist()] == [3]
    policy(landing, "required_datasets: []")
    run_dates(landing, warehouse, D9)
    assert days(warehouse) == [D9]


def test_partial_delivery_names_all_that_is_missing(landing: Path, warehouse: Path) -> None:
    policy(landing, "required_datasets: [fills, funding, ticks, transfers]")
    for dataset in ("fills", "ticks"):
        shutil.rmtree(landing / dataset)
    with pytest.raises(DataError, match="no file of fills, funding, ticks in date=2025-10-09"):
        run_dates(landing, warehouse, D9)


def test_date_without_any_folder(landing: Path, warehouse: Path) -> None:
    small_warehouse(D10, warehouse)
    with pytest.raises(DataError, match="no file of ticks in any folder of the session"):
        run_dates(landing, warehouse, D11)


def test_file_without_rows_is_a_delivery(landing: Path, warehouse: Path) -> None:
    policy(landing, "required_datasets: [ticks, transfers]")
    run_dates(landing, warehouse, D9)
    with pytest.raises(DataError, match="no file of transfers in date=2025-10-10"):
        run_dates(landing, warehouse, D10)
    folder = landing / "transfers" / f"date={D10}"
    folder.mkdir()
    (folder / "_being_written.csv").touch()  # not a file of the delivery
    with pytest.raises(DataError, match="no file of transfers"):
        run_dates(landing, warehouse, D10)
    header_only(landing, D10)
    run_dates(landing, warehouse, D10)
    assert days(warehouse) == [D9, D10]


def test_any_folder_of_the_session_will_do(landing: Path, warehouse: Path) -> None:
    """Sessions from 08:00: that of the 10th ends in the folder of the 11th, which alone has transfers."""
    policy(landing, "session_start: '08:00'", "required_datasets: [transfers]")
    run_dates(landing, warehouse, D9)
    with pytest.raises(DataError, match="no file of transfers in date=2025-10-10,"):
        run_dates(landing, warehouse, D10)
    header_only(landing, D11)
    run_dates(landing, warehouse, D10)
    assert days(warehouse) == [D9, D10]


def test_break_in_a_named_rule_keeps_the_date_back(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deliver(landing, "venue_account_balances", BALANCES, D9)
    policy(landing, "fail_on_breaks: [trade_zero_sum, venue_account_balance]")
    with pytest.raises(
        DataError,
        match=r"2025-10-09 was not published: 1 break beyond tolerance: venue_account_balance 1, and .*"
        r"b\|USD\|2025-10-09T12:00:00\.000000Z expected 999, found 1,000\. Have",
    ):
        run_dates(landing, warehouse, D9)
    assert days(warehouse) == []
    policy(landing, "fail_on_breaks: [trade_zero_sum]")
    run_dates(landing, warehouse, D9)
    assert days(warehouse) == [D9]
    assert capsys.readouterr().err.splitlines()[-1] == (
        "warning: 2025-10-09: 1 break beyond tolerance: venue_account_balance 1; see attribution.reconciliation"
    )


def test_liquidation_that_was_not_triggered_is_one_fact(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Account a is well when the venue liquidates it: two rows of liquidation_match say so, a person is told one."""
    ticks = landing / "ticks" / f"date={D10}" / "data.csv"
    ticks.write_text(ticks.read_text().replace(",900", ",999").replace(",890", ",998"))
    run_dates(landing, warehouse, D9, D10)
    rows = Warehouse(warehouse).read(RECONCILIATION, D10).to_pylist()
    found = {
        row["key"]: int(row["break"]) for row in rows if row["rule"] == "liquidation_match" and row["break"]
    }
    assert found == {"matched": -1, "untriggered": 1}
    assert capsys.readouterr().err.splitlines() == [
        "warning: 2025-10-10: 1 break beyond tolerance: liquidation_match 1; see attribution.reconciliation"
    ]


def test_each_fact_counts_once() -> None:
    """Two trades that do not net, of which `all` is the sum; a difference within tolerance is no break."""
    rows = [
        ("trade_zero_sum", "all", -2, 0),
        ("trade_zero_sum", "P|x1", 5, 0),
        ("trade_zero_sum", "P|x2", -5, 0),
        ("liquidation_match", "matched", -3, 0),
        ("liquidation_match", "untriggered", 3, 0),
        ("liquidation_match", "open", 1, 0),
        ("funding_zero_sum", "P", 2, 2),
        ("venue_liquidation_value", "a", None, 0),
    ]
    counts = count_breaks(dict(zip(("rule", "key", "break", "tolerance"), row, strict=True)) for row in rows)
    assert counts == {"liquidation_match": 2, "trade_zero_sum": 2}
    assert breaks_text(counts) == "4 breaks beyond tolerance: liquidation_match 2, trade_zero_sum 2"
