"""Status: what is published, what failed, and what to type next."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from lossledger.cli import stage
from lossledger.cli.main import main
from lossledger.jobs.replay.recompute import recompute
from lossledger.jobs.run import Request
from lossledger.jobs.run import run as execute
from lossledger.jobs.spark.mapper import InProcess
from lossledger.jobs.stages import NAMES
from lossledger.schemas.ops import RUNS
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, add_rows, deliver, run_dates, small_landing
from tests.lived import small_warehouse
from tests.scenarios import write_scenario

DEPOSIT = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    t3          | 2025-10-09T08:30:00Z | b          | USD      |           | 5      | deposit
"""
NEXT_TICKS = """
    ts                   | instrument_id | mark_price
    2025-10-11T10:00:00Z | P             | 900
"""
BALANCES = """
    ts                   | account_id | currency | wallet_balance
    2025-10-09T12:00:00Z | b          | USD      | 999
"""

pytestmark = pytest.mark.usefixtures("unchecked_cli")


def status(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> list[str]:
    capsys.readouterr()
    assert main(["status", "--warehouse", str(warehouse)]) == 0
    return capsys.readouterr().out.splitlines()


def test_after_a_run_the_next_date_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = small_warehouse(D10, tmp_path / "warehouse")
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


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    return tmp_path / "warehouse"


def run(landing: Path, warehouse: Path, first: object, last: object) -> int:
    call = ["run", "--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    return main([*call, "--from", str(first), "--to", str(last)])


def take_advice(landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """Type what status says comes next, word for word; it has to be accepted. Returns the range that it named."""
    advice = status(warehouse, capsys)[-1]
    words = advice[advice.index("lossledger ") :].replace("LANDING", str(landing)).split()[1:]
    assert main([*words, "--engine", "local"]) == 0, capsys.readouterr().err
    return advice[advice.index("--from") :]


def spoil(path: Path) -> str:
    """Make a file one that fails its date; its text before."""
    good = path.read_text()
    path.write_text(good.replace("mark_price", "price"))
    return good


def failures(lines: list[str]) -> list[str]:
    return [line for line in lines if line.startswith(("failed", "left out"))]


def test_unchanged_rerun_puts_a_failed_correction_right(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bad correction is taken back: the date stands as it was published, and a second rerun leaves no trace."""
    small_warehouse(D10, warehouse)
    ticks = landing / "ticks" / f"date={D10}" / "data.csv"
    good = spoil(ticks)
    assert run(landing, warehouse, D10, D10) == 3
    assert len(failures(status(warehouse, capsys))) == 1
    ticks.write_text(good)
    assert run(landing, warehouse, D10, D10) == 0
    lines = status(warehouse, capsys)
    assert failures(lines) == []
    assert [line.split("  ")[3].strip() for line in lines if "  2025-10-10  " in line] == [
        "unchanged",
        "failed",
        "published",
    ]
    before = Warehouse(warehouse).version(RUNS)
    run_dates(landing, warehouse, D9, D10)
    assert Warehouse(warehouse).version(RUNS) == before


def test_advice_reaches_to_the_last_date_that_was_computed_from_it(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_warehouse(D10, warehouse)
    ticks = landing / "ticks" / f"date={D9}" / "data.csv"
    good = spoil(ticks)
    assert run(landing, warehouse, D9, D10) == 3
    ticks.write_text(good.replace("| 1000", "| 1001"))
    deliver(landing, "transfers", DEPOSIT, D9, "more.csv")
    assert take_advice(landing, warehouse, capsys) == "--from 2025-10-09 --to 2025-10-10"
    assert failures(status(warehouse, capsys)) == []


def test_refused_for_its_range_is_advised_with_the_right_one(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_warehouse(D10, warehouse)
    deliver(landing, "transfers", DEPOSIT, D9, "more.csv")
    assert run(landing, warehouse, D9, D9) == 2
    assert "run again with --to 2025-10-10" in failures(status(warehouse, capsys))[0]
    assert take_advice(landing, warehouse, capsys) == "--from 2025-10-09 --to 2025-10-10"
    assert failures(status(warehouse, capsys)) == []


def test_late_rows_of_the_session_before_are_advised_with_it(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sessions from 08:00: the folder of the 10th holds rows of the 9th's session, which is published."""
    with (landing / "policy.yaml").open("a") as file:
        file.write("  session_start: '08:00'\n")
    run_dates(landing, warehouse, D9)
    deliver(landing, "transfers", DEPOSIT.replace("10-09T08:30", "10-10T07:00"), D10)
    assert run(landing, warehouse, D10, D10) == 3
    assert take_advice(landing, warehouse, capsys) == "--from 2025-10-09 --to 2025-10-10"
    assert failures(status(warehouse, capsys)) == []


def test_failed_date_before_the_first_is_not_advised(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator went on without it: no range of this warehouse can begin with it any more."""
    good = spoil(landing / "ticks" / f"date={D9}" / "data.csv")
    assert run(landing, warehouse, D9, D9) == 3
    (landing / "ticks" / f"date={D9}" / "data.csv").write_text(good)
    run_dates(landing, warehouse, D10)
    deliver(landing, "ticks", NEXT_TICKS, D11)
    assert failures(status(warehouse, capsys)) == [
        "left out   2025-10-09 failed, and this warehouse begins after it: to have it, run from it into another "
        "warehouse"
    ]
    assert take_advice(landing, warehouse, capsys) == "--from 2025-10-11 --to 2025-10-11"


def test_a_night_in_several_processes_took_all_its_stages(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Airflow runs it: the last process only publishes, and is short."""

    clock = [0.0]

    def slow(*rest: Any) -> None:
        clock[0] += 1000.0
        recompute(*rest)

    monkeypatch.setattr("lossledger.jobs.stages.perf_counter", lambda: clock[0])
    monkeypatch.setattr("lossledger.jobs.stages.recompute", slow)
    common = ["--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]
    for name in NAMES:
        assert stage.main([name, *common, "--business-date", str(D9)]) == 0
    [line] = [line for line in status(warehouse, capsys) if "  published  " in line and line.startswith("  ")]
    assert line.split("  ")[4] == "1000.0 s"


def test_warnings_stay_in_sight(landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the checks: a balance that differs, and a retail client whom nobody protects and who owes money."""
    accounts = landing / "accounts" / "data.csv"
    accounts.write_text(accounts.read_text().replace("a,client,retail,true", "a,client,retail,false"))
    deliver(landing, "venue_account_balances", BALANCES, D9)
    list(execute(Request(landing, warehouse, D9, D10, InProcess(1))))
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    expected = [
        (D9, "1 break beyond tolerance: venue_account_balance 1; see attribution.reconciliation"),
        (
            D10,
            "attribution.negative_balances: unprotected_retail_below_zero: 1 row; see ops.dq_results and "
            "the page Checks",
        ),
    ]
    assert said == [f"warning: {day}: {text}" for day, text in expected]
    kept = [f"warning    {day}  {text}" for day, text in reversed(expected)]
    assert [line for line in status(warehouse, capsys) if line.startswith("warning")] == kept
    # a rerun that finds nothing changed says them again
    list(execute(Request(landing, warehouse, D9, D10, InProcess(1))))
    again = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert again == said
    # the breaks come before what is to be typed next, with the command that lists them
    lines = status(warehouse, capsys)
    [look] = [line for line in lines if line.startswith("look at")]
    assert lines.index(look) < next(n for n, line in enumerate(lines) if line.startswith("next"))
    assert look.startswith("look at    2025-10-09  venue_account_balance x1: lossledger query --warehouse ")
    capsys.readouterr()
    assert main(shlex.split(look[look.index("lossledger ") :])[1:]) == 0
    assert "venue_account_balance" in (table := capsys.readouterr().out) and table.endswith("(1 row)\n")
    # a correction that fails leaves the warnings of what is published in sight
    spoil(landing / "ticks" / f"date={D10}" / "data.csv")
    assert run(landing, warehouse, D10, D10) == 3
    assert [line for line in status(warehouse, capsys) if line.startswith("warning")] == kept


def test_rejected_reference_data_of_a_failed_date_are_in_sight(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A contract's size changes: the version before would stay in force, and everybody's numbers be wrong."""
    (landing / "policy.yaml").write_text("- valid_from: 2020-01-01\n  quarantine_max_share: '0.1'\n")
    add_rows(landing, "instruments", "P|linear|BTC|USD|USD|0.1|0.5|0.1|2025-10-01")
    assert run(landing, warehouse, D9, D9) == 3
    why = "instruments/data.csv row 3: a later version may change tick_size and lot_size only"
    lines = status(warehouse, capsys)
    assert any(
        line.startswith("rejected   2025-10-09  instruments: 1 of 3 rows") and why in line for line in lines
    )


def test_what_the_venue_published_is_no_warning_of_a_scenario(
    landing: Path, warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its balances are of the world as it was; even where a break keeps a published date back."""
    deliver(landing, "venue_account_balances", BALANCES, D9)
    policy = (landing / "policy.yaml").read_text()
    write_scenario(landing, "nobody", policy={"sharing": "none"})
    list(execute(Request(landing, warehouse, D9, D9, InProcess(1))))
    assert "venue_account_balance 1" in capsys.readouterr().err
    (landing / "policy.yaml").write_text(f"{policy}  fail_on_breaks: [venue_account_balance]\n")
    list(execute(Request(landing, warehouse, D9, D9, InProcess(1), scenario="nobody")))
    assert "venue_account_balance" not in capsys.readouterr().err
    assert not any("venue_account" in line for line in status(warehouse / "scenarios" / "nobody", capsys))
