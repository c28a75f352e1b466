"""Bad rows in a good delivery: kept as they were delivered, counted, and none of them in a number."""

import json
from pathlib import Path

import pytest

from lossledger.schemas.registry import LEDGER
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, add_rows, deliver, run_dates, small_landing

COUNTS = ("rows", "accepted", "duplicates", "superseded", "quarantined", "extra_columns")


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
        "superseded": 0,
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


def test_of_several_states_of_a_time_the_last_holds(landing: Path, tmp_path: Path) -> None:
    """The mark of 10:00 is delivered four times, in two files: the last row of the last file counts, equal or not."""
    add_rows(landing, "ticks", "2025-10-09T10:00:00Z | P | 990\n2025-10-09T10:00:00Z | P | 995", D9)
    again = "ts|instrument_id|mark_price\n2025-10-09T10:00:00Z|P|1000.0\n2025-10-09T11:00:00Z|P|1001"
    deliver(landing, "ticks", again, D9, "later.jsonl")
    run_dates(landing, tmp_path / "warehouse", D9)
    counts = {
        "rows": 5,
        "accepted": 2,
        "duplicates": 0,
        "superseded": 3,
        "quarantined": 0,
        "extra_columns": "",
    }
    assert delivery(tmp_path / "warehouse", "ticks") == counts
    ticks = Warehouse(tmp_path / "warehouse").read(LEDGER["ledger.ticks"]).to_pylist()
    assert sorted((row["mark_price"], row["row_number"]) for row in ticks) == [(1000, 1), (1001, 2)]
    assert quarantine(tmp_path / "warehouse") == []


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
    return {name: row[name] for name in COUNTS}


def quarantine(warehouse: Path) -> list[tuple[object, object, object]]:
    rows = tables(warehouse, "quarantine")
    return sorted((row["file"], row["row_number"], row["reasons"]) for row in rows)


def rewrite(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))
