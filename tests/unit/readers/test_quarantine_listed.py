"""Rejected rows belong to the date: the error, a rerun, `status` and `lossledger quarantine` say which and why."""

import json
from pathlib import Path

import pytest

from lossledger.cli.main import main
from tests.builders import D9, D10, deliver, run_dates, small_landing

pytestmark = pytest.mark.usefixtures("unchecked_cli")

# Of two fills of the 9th each: one with an hour that no day has, and one at a price off the tick.
NO_TIME = ("2025-10-09T09:00:00Z,b", "2025-10-09T25:00:00Z,b")
WHY = "fills/date=2025-10-09/data.csv row 2: unparsable ts: '2025-10-09T25:00:00Z' is not"


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    made = small_landing(tmp_path / "landing")
    spoil(made, *NO_TIME)
    return made


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def spoil(landing: Path, old: str, new: str) -> None:
    path = landing / "fills" / f"date={D9}" / "data.csv"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def allow(landing: Path, share: str) -> None:
    (landing / "policy.yaml").write_text(f"- valid_from: 2020-01-01\n  quarantine_max_share: '{share}'\n")


def run(landing: Path, warehouse: Path) -> int:
    call = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    return main([*call, "--from", str(D9), "--to", str(D9)])


def said(capsys: pytest.CaptureFixture[str], *call: str | Path) -> str:
    capsys.readouterr()
    assert main(list(map(str, call))) == 0
    return capsys.readouterr().out


def status(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> str:
    return said(capsys, "status", "--warehouse", warehouse)


def begins(lines: list[str], start: str) -> bool:
    """Whether a line begins so."""
    return any(line.startswith(start) for line in lines)


def listed(warehouse: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[tuple[str, str, int]]:
    """Load, file and row number of what `lossledger quarantine` lists."""
    out = said(capsys, "quarantine", "--warehouse", warehouse, "--format", "json", *more)
    return [(row["load"], row["file"], row["row_number"]) for row in json.loads(out)]


def test_before_anything_was_published(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A time that is none: `run`, `status` and `quarantine` say file, row and why."""
    allow(landing, "0.1")
    assert run(landing, warehouse) == 3
    error = capsys.readouterr().err.splitlines()[-1]
    assert error.startswith(
        "lossledger: error: fills/date=2025-10-09: 1 of 2 rows are quarantined, more than "
    )
    assert WHY in error
    lines = status(warehouse, capsys).splitlines()
    assert begins(lines, f"rejected   2025-10-09  fills/date=2025-10-09: 1 of 2 rows quarantined: {WHY}")
    assert any(line.startswith("failed     2025-10-09 (exit 3)") and WHY in line for line in lines)
    assert listed(warehouse, capsys) == [("not published", "fills/date=2025-10-09/data.csv", 2)]


def test_whoever_loaded_them_the_date_has_them(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A failed run loads, a second one publishes, a third finds nothing changed: all say it, until it is corrected."""
    warning = f"warning: fills/date=2025-10-09: 1 of 2 rows quarantined: {WHY}"
    allow(landing, "0.1")
    assert run(landing, warehouse) == 3
    allow(landing, "0.5")
    for _ in range(2):
        capsys.readouterr()
        assert run(landing, warehouse) == 0
        assert begins(capsys.readouterr().err.splitlines(), warning)
        told = f"warning    2025-10-09  fills/date=2025-10-09: 1 of 2 rows quarantined: {WHY}"
        assert begins(status(warehouse, capsys).splitlines(), told)
    spoil(landing, *reversed(NO_TIME))
    capsys.readouterr()
    assert run(landing, warehouse) == 0
    assert "quarantined" not in capsys.readouterr().err
    assert not begins(status(warehouse, capsys).splitlines(), told[:30])


def test_a_correction_that_fails_takes_nothing_out_of_sight(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The published date lacks row 2; its correction has that one and spoils row 1, and fails for the share."""
    run_dates(landing, warehouse, D9)
    spoil(landing, *reversed(NO_TIME))
    spoil(landing, "2025-10-09T09:00:00Z,a", "yesterday,a")
    allow(landing, "0.1")
    assert run(landing, warehouse) == 3
    lines = status(warehouse, capsys).splitlines()
    assert begins(lines, f"warning    2025-10-09  fills/date=2025-10-09: 1 of 2 rows quarantined: {WHY}")
    assert any(
        line.startswith("rejected   2025-10-09") and "data.csv row 1: unparsable ts" in line for line in lines
    )
    assert listed(warehouse, capsys) == [
        ("not published", "fills/date=2025-10-09/data.csv", 1),
        ("published", "fills/date=2025-10-09/data.csv", 2),
    ]


def test_a_row_more_that_changes_no_number_is_in_sight(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The date is published with another delivery and the same rows."""
    run_dates(landing, warehouse, D9)
    bad = "transfer_id|ts|account_id|currency|isolation|amount|kind\nt9|2025-10-09T08:00:00Z|ghost|USD||1|deposit"
    deliver(landing, "transfers", bad, D9, "more.csv")
    assert run_dates(landing, warehouse, D9)[0].endswith("unchanged")
    assert "transfers/date=2025-10-09/more.csv row 1: unknown account" in status(warehouse, capsys)
    assert len(listed(warehouse, capsys)) == 2


def test_rows_are_listed_by_date_dataset_and_reason(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil_ticks = landing / "ticks" / f"date={D10}" / "data.csv"
    spoil_ticks.write_text(spoil_ticks.read_text().replace(",890", ",-890"))
    run_dates(landing, warehouse, D9, D10)
    ticks, fills = "ticks/date=2025-10-10/data.csv", "fills/date=2025-10-09/data.csv"
    assert listed(warehouse, capsys) == [("published", fills, 2), ("published", ticks, 2)]
    assert listed(warehouse, capsys, "--date", "2025-10-10") == [("published", ticks, 2)]
    assert listed(warehouse, capsys, "--dataset", "fills") == [("published", fills, 2)]
    assert listed(warehouse, capsys, "--reason", "UNPARSABLE") == [("published", fills, 2)]
    table = said(capsys, "quarantine", "--warehouse", warehouse, "--dataset", "fills")
    assert "unparsable ts" in table and '"fill_id": "f2"' in table and table.endswith("(1 row)\n")
    none = said(capsys, "quarantine", "--warehouse", warehouse, "--dataset", "funding", "--reason", "x")
    assert none == "no rejected rows of funding, reason 'x'\n"
    assert main(["quarantine", "--warehouse", str(warehouse), "--dataset", "trades"]) == 2
    assert "no dataset 'trades'" in capsys.readouterr().err
