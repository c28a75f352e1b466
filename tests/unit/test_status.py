"""Status: what is published, what failed, and what to type next."""

from pathlib import Path

import pytest

from cli.main import main
from tests.builders import D9, D10, run_dates, small_landing

pytestmark = pytest.mark.usefixtures("unchecked_cli")


def status(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["status", "--warehouse", str(warehouse)]) == 0
    return capsys.readouterr().out.splitlines()


def test_after_a_run_the_next_date_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = tmp_path / "warehouse"
    run_dates(small_landing(tmp_path / "landing"), warehouse, D9, D10)
    lines = status(warehouse, capsys)
    assert lines[0] == "published  2 dates, 2025-10-09 to 2025-10-10"
    assert sum("  published  " in line for line in lines) == 2  # the last runs
    command = f"lossledger run --landing LANDING --warehouse {warehouse}"
    assert lines[-1] == f"next       {command} --from 2025-10-11 --to 2025-10-11"


def test_what_failed_is_told_until_it_is_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    landing, warehouse = small_landing(tmp_path / "landing"), tmp_path / "warehouse"
    tiers = landing / "margin_tiers" / "data.csv"
    good = tiers.read_text()
    tiers.write_text(good.replace("0.01", "0.001"))
    arguments = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    assert main([*arguments, "--from", "2025-10-09", "--to", "2025-10-10"]) == 3
    lines = status(warehouse, capsys)
    assert lines[0] == "published  no date yet"
    assert any(line.startswith("failed     2025-10-09 (exit 3): margin table of P") for line in lines)
    assert lines[-1].startswith("next       correct the data, then lossledger run --landing LANDING")
    assert lines[-1].endswith("--from 2025-10-09 --to 2025-10-09")
    tiers.write_text(good)
    run_dates(landing, warehouse, D9)
    assert not any(line.startswith("failed") for line in status(warehouse, capsys))


def test_no_warehouse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Reads only: nothing is made where nothing was."""
    assert main(["status", "--warehouse", str(tmp_path / "nowhere")]) == 2
    assert "is no Lossledger warehouse" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
