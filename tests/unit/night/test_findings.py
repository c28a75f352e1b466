"""What is found of a date's input: gaps in marks, rejected liquidations, files delivered twice, fees turned around."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from lossledger.cli.main import main
from lossledger.expectations.findings import kind_of
from lossledger.readers.document.model import TableBlock
from lossledger.readers.document.values import cell_text
from lossledger.readers.report.report_builder import gather
from lossledger.readers.report.report_request import ReportRequest
from lossledger.readers.report.sections.data_quality import quality
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, add_rows, deliver, run_dates, small_landing

# Of the limits: of the small landing zone, and of these tests.
TWO_DAYS, THREE_HOURS = "172800000000", "10800000000"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    made = small_landing(tmp_path / "landing")
    policy = made / "policy.yaml"
    policy.write_text(policy.read_text().replace(TWO_DAYS, THREE_HOURS))
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def found(warehouse: Path, day: date) -> list[dict[str, Any]]:
    """The findings of a date, each with what is known of it."""
    rows = Warehouse(warehouse).read(DQ_RESULTS, day).to_pylist()
    assert {(row["severity"], row["success"]) for row in rows} <= {("warn", False)}
    return [
        {
            "kind": kind_of(row["expectation"]),
            "rows": row["unexpected_count"],
            **json.loads(row["examples"])[0],
        }
        for row in rows
    ]


def gaps(warehouse: Path, day: date) -> list[tuple[str, str, str, int]]:
    """Instrument, since, until, and how many liquidations in it start after the gap began."""
    return [
        (g["instrument_id"], g["since"][:16], g["until"][:16], g["episodes"])
        for g in found(warehouse, day)
        if g["kind"] == "mark_gap"
    ]


def test_a_gap_lasts_from_tick_to_tick_and_the_last_tick_holds_until_the_end(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """P is held from 9 October 09:00 to 10 October 10:01; its ticks are at 10:00, then at 10:00 and 11:00."""
    run_dates(landing, warehouse, D9, D10)
    assert gaps(warehouse, D9) == [("P", "2025-10-09T10:00", "2025-10-10T00:00", 0)]
    # the last tick of the date before counts; nobody holds it from 11:00 on
    assert gaps(warehouse, D10) == [("P", "2025-10-09T10:00", "2025-10-10T10:00", 1)]
    said = capsys.readouterr().err
    assert (
        "warning: 2025-10-10: mark_gap: no mark of P for 86400 s while clients held it, from "
        "2025-10-09T10:00:00.000000Z to 2025-10-10T10:00:00.000000Z; 1 liquidation in it starts later: ep-"
        in said
    )


def test_a_gap_is_named_where_it_is_asked_for(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In `status`, in the explanation of a liquidation that starts after it, and in the report."""
    run_dates(landing, warehouse, D9, D10)
    [gap] = [f for f in found(warehouse, D10) if f["kind"] == "mark_gap"]
    capsys.readouterr()
    assert main(["status", "--warehouse", str(warehouse)]) == 0
    assert f"warning    2025-10-10  mark_gap: {gap['text']}" in capsys.readouterr().out
    said = "P had no mark for 86,400 s while clients held it, from 2025-10-09 10:00:00 to 2025-10-10 10:00:00 UTC. This"
    for asked in (["--event", *gap["first_episodes"]], ["--account", "a", "--date", "2025-10-10"]):
        assert main(["explain", "--warehouse", str(warehouse), *asked]) == 0
        assert said in " ".join(capsys.readouterr().out.split())
    section = quality(gather(ReportRequest(warehouse, D9, D10)))
    tables = {block.id: block for block in section.blocks if isinstance(block, TableBlock)}
    assert [[cell_text(cell) for cell in row] for row in tables["marks"].rows] == [
        ["2025-10-09", "10,800", "1", "50,400", "0"],
        ["2025-10-10", "10,800", "1", "86,400", "1"],
    ]
    assert [[cell_text(cell) for cell in row][:3] for row in tables["mark_gaps"].rows] == [
        ["2025-10-09", "P", "2025-10-09 10:00:00"],
        ["2025-10-10", "P", "2025-10-09 10:00:00"],
    ]


def test_a_gap_of_just_the_limit_is_none(landing: Path, warehouse: Path) -> None:
    ticks = "".join(f"\n2025-10-09T{hour}:00:00Z | P | 1000" for hour in (13, 16, 19, 22))
    add_rows(landing, "ticks", ticks, D9)
    run_dates(landing, warehouse, D9)
    assert gaps(warehouse, D9) == []


def test_what_no_client_holds_needs_no_marks(landing: Path, warehouse: Path) -> None:
    """Both sides of the only trade are the venue's own."""
    accounts = landing / "accounts" / "data.csv"
    accounts.write_text(accounts.read_text().replace(",client,", ",house,"))
    run_dates(landing, warehouse, D9)
    assert gaps(warehouse, D9) == []


def test_a_position_that_is_opened_and_closed_in_a_gap_was_held(landing: Path, warehouse: Path) -> None:
    """I has ticks at 02:00 and 12:00; b holds it for a minute between them, and at none of its ticks."""
    deliver(
        landing,
        "ticks",
        """
        ts                   | instrument_id | mark_price
        2025-10-09T02:00:00Z | I             | 1000
        2025-10-09T12:00:00Z | I             | 1000
        """,
        D9,
        "more.csv",
    )
    deliver(
        landing,
        "margin_tiers",
        "instrument_id|valid_from|notional_floor|maintenance_rate\nI|2020-01-01|0|0.005",
        name="i.csv",
    )
    trades = """
        g1 | y1 | 2025-10-09T05:00:00Z | b | I | buy  | 1000 | 1 | 0 | normal
        g2 | y1 | 2025-10-09T05:00:00Z | a | I | sell | 1000 | 1 | 0 | normal
        g3 | y2 | 2025-10-09T05:01:00Z | b | I | sell | 1000 | 1 | 0 | normal
        g4 | y2 | 2025-10-09T05:01:00Z | a | I | buy  | 1000 | 1 | 0 | normal
    """
    add_rows(landing, "fills", trades, D9)
    run_dates(landing, warehouse, D9)
    assert ("I", "2025-10-09T02:00", "2025-10-09T12:00", 0) in gaps(warehouse, D9)
    assert len(gaps(warehouse, D9)) == 2


def test_when_a_long_gap_began_is_found_in_earlier_folders(landing: Path, warehouse: Path) -> None:
    """No tick on the 10th, and a and b still hold P: it is known since when."""
    for name in ("ticks", "fills"):
        (landing / name / f"date={D10}" / "data.csv").unlink()
    (landing / "ticks" / f"date={D10}" / "data.csv").write_text("ts,instrument_id,mark_price\n")
    deliver(landing, "ticks", "ts | instrument_id | mark_price\n2025-10-11T09:00:00Z | P | 1000", D11)
    run_dates(landing, warehouse, D9, D11)
    assert gaps(warehouse, D10) == [("P", "2025-10-09T10:00", "2025-10-11T00:00", 0)]
    assert gaps(warehouse, D11) == [
        ("P", "2025-10-09T10:00", "2025-10-11T09:00", 0),
        ("P", "2025-10-11T09:00", "2025-10-12T00:00", 0),
    ]


def test_a_rejected_liquidation_is_a_warning_by_itself(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = """
        f5 | x3 | 2025-10-10T10:02:00Z | a | P | sell | 0   | 1 | 0 | liquidation
        f6 | x4 | 2025-10-10T10:02:00Z | b | P | sell | NaN | 1 | 0 | settlement
        f7 | x5 | 2025-10-10T10:02:00Z | b | P | sell | NaN | 1 | 0 | normal
    """
    add_rows(landing, "fills", rows, D10)
    policy = landing / "policy.yaml"
    policy.write_text(policy.read_text().replace("'0.5'", "'1'"))
    run_dates(landing, warehouse, D9, D10)
    kinds = {f["kind"]: f for f in found(warehouse, D10)}
    assert set(kinds) == {"mark_gap", "rejected_liquidation", "rejected_settlement"}
    row = "fills/date=2025-10-10/data.csv row 4: unparsable price: 'NaN' is not a decimal"
    text = f"1 fill of kind settlement rejected: {row}"
    assert kinds["rejected_settlement"]["text"] == text
    assert f"warning: 2025-10-10: rejected_settlement: {text}" in capsys.readouterr().err
    # it is told again as long as the date stands so
    run_dates(landing, warehouse, D10)
    assert f"warning: 2025-10-10: rejected_settlement: {text}" in capsys.readouterr().err
    assert main(["status", "--warehouse", str(warehouse)]) == 0
    assert f"warning    2025-10-10  rejected_settlement: {text}" in capsys.readouterr().out


def test_a_correction_that_changes_no_number_takes_its_warnings_away(landing: Path, warehouse: Path) -> None:
    """Ticks of the mark that was in force come late: the rows of the date are those that were published."""
    run_dates(landing, warehouse, D9)
    assert len(gaps(warehouse, D9)) == 1
    times = "\n".join(f"2025-10-09T{hour}:00:00Z | P | 1000" for hour in (13, 16, 19, 22))
    add_rows(landing, "ticks", times, D9)
    assert run_dates(landing, warehouse, D9)[0].endswith("unchanged")
    assert gaps(warehouse, D9) == []


def test_a_file_delivered_twice_is_named(landing: Path, warehouse: Path) -> None:
    folder = landing / "fills" / f"date={D9}"
    (folder / "again.csv").write_bytes((folder / "data.csv").read_bytes())
    for name in ("empty.csv", "empty too.csv"):  # no row is delivered twice
        (landing / "ticks" / f"date={D9}" / name).write_text("ts,instrument_id,mark_price\n")
    run_dates(landing, warehouse, D9)
    [twice] = [f for f in found(warehouse, D9) if f["kind"] == "repeated_file"]
    assert (twice["rows"], twice["text"]) == (
        2,
        "fills/date=2025-10-09/data.csv has the content of fills/date=2025-10-09/again.csv: its 2 rows are duplicates",
    )


@pytest.mark.parametrize(("turned", "warned"), [(20, True), (19, False)])
def test_fees_that_are_nearly_all_below_zero(
    landing: Path, warehouse: Path, turned: int, warned: bool
) -> None:
    """20 normal fills: 95 in 100 is not yet nearly all."""
    fees = ["-0.1"] * turned + ["0.1"] * (20 - turned)
    sides = [("a", "buy"), ("b", "sell")] * 10
    rows = [
        f"n{n:02} | y{n // 2} | 2025-10-09T09:00:00Z | {who} | P | {side} | 1000 | 0.1 | {fee} | normal"
        for n, ((who, side), fee) in enumerate(zip(sides, fees, strict=True))
    ]
    head = "fill_id|trade_id|ts|account_id|instrument_id|side|price|quantity|fee|kind"
    deliver(landing, "fills", "\n".join([head, *rows]), D9)
    run_dates(landing, warehouse, D9)
    told = [f["text"] for f in found(warehouse, D9) if f["kind"] == "fee_sign"]
    assert bool(told) is warned
    assert not warned or told[0].startswith("the fee of 20 of 20 normal fills is below zero")
