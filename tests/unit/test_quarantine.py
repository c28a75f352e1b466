"""Bad rows in a good delivery: kept as they were delivered, counted, and none of them in a number."""

import json
from pathlib import Path

import pytest

from schemas.registry import LEDGER
from store.warehouse import Warehouse
from tests.builders import D9, D10, add_rows, deliver, run_dates, small_landing


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


def test_every_delivered_row_is_accepted_a_duplicate_or_quarantined(landing: Path, tmp_path: Path) -> None:
    """Five rows more: a duplicate, a conflict, two bad ones and a good one, in two files of one folder."""
    add_rows(
        landing,
        "transfers",
        """
        t1 | 2025-10-09T08:00:00Z | a | USD | | 100.00 | deposit
        t2 | 2025-10-09T08:00:00Z | b | USD | | 999    | deposit
        """,
        D9,
    )
    deliver(
        landing,
        "transfers",
        """
        transfer_id | ts                   | account_id | currency | amount | kind
        t3          | 2025-10-09T08:00:00Z | a          | EUR      | 1      | deposit
        t4          | 2025-10-09T08:00:00Z |            | USD      | NaN    | deposit
        t5          | 2025-10-09T08:00:00Z | b          | USD      | 1      | deposit
        """,
        D9,
        "more.jsonl.gz",
    )
    run_dates(landing, tmp_path / "warehouse", D9)
    assert delivery(tmp_path / "warehouse", "transfers") == {
        "rows": 7,
        "accepted": 3,
        "duplicates": 1,
        "quarantined": 3,
        "extra_columns": "",
    }
    assert quarantine(tmp_path / "warehouse") == [
        ("transfers/date=2025-10-09/data.csv", 4, "conflict with a known key: the first is kept"),
        ("transfers/date=2025-10-09/more.jsonl.gz", 1, "unknown currency"),
        (
            "transfers/date=2025-10-09/more.jsonl.gz",
            2,
            "missing account_id; unparsable amount: 'NaN' is not a decimal",
        ),
    ]


def test_quarantined_row_is_kept_as_it_was_delivered(landing: Path, tmp_path: Path) -> None:
    add_rows(landing, "transfers", " 007 | 2025-10-09T08:00:00Z | a | USD | | 1e400 | déposit ", D9)
    run_dates(landing, tmp_path / "warehouse", D9)
    [row] = tables(tmp_path / "warehouse", "quarantine")
    delivered = json.loads(row["row"])
    assert (delivered["transfer_id"], delivered["amount"], delivered["kind"]) == ("007", "1e400", "déposit")


def test_duplicates_and_conflicts_across_dates(landing: Path, tmp_path: Path) -> None:
    """The key of a transfer is its id alone: the first date that delivered it keeps it."""
    deliver(
        landing,
        "transfers",
        """
        transfer_id | ts                   | account_id | currency | amount | kind
        t1          | 2025-10-10T08:00:00Z | a          | USD      | 100    | deposit
        t9          | 2025-10-10T08:00:00Z | a          | USD      | 0      | deposit
        """,
        D10,
    )
    run_dates(landing, tmp_path / "warehouse", D9, D10)
    assert quarantine(tmp_path / "warehouse") == [
        ("transfers/date=2025-10-10/data.csv", 1, "conflict with a known key: the first is kept")
    ]


def test_extra_columns_are_kept_out_and_reported(
    landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rewrite(landing / "ticks/date=2025-10-09/data.csv", "mark_price", "mark_price,venue")
    run_dates(landing, tmp_path / "warehouse", D9)
    assert delivery(tmp_path / "warehouse", "ticks")["extra_columns"] == "venue"
    assert "warning: ticks/date=2025-10-09: unknown columns kept out: venue" in capsys.readouterr().err


def test_share_is_allowed_up_to_the_policys_limit(
    landing: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of two rows with a limit of 0.5: published, with a warning."""
    rewrite(landing / "transfers/date=2025-10-09/data.csv", "t1,", ",")
    run_dates(landing, tmp_path / "warehouse", D9)
    said = "transfers/date=2025-10-09: 1 of 2 rows quarantined: transfers/date=2025-10-09/data.csv row 1: missing"
    assert said in capsys.readouterr().err


def tables(warehouse: Path, name: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = Warehouse(warehouse).read(LEDGER[f"ledger.{name}"]).to_pylist()
    return rows


def delivery(warehouse: Path, dataset: str) -> dict[str, object]:
    [row] = [r for r in tables(warehouse, "deliveries") if r["dataset"] == dataset]
    return {name: row[name] for name in ("rows", "accepted", "duplicates", "quarantined", "extra_columns")}


def quarantine(warehouse: Path) -> list[tuple[object, object, object]]:
    rows = tables(warehouse, "quarantine")
    return sorted((row["file"], row["row_number"], row["reasons"]) for row in rows)


def rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))
