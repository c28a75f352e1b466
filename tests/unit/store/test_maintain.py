"""Maintenance: what was ever published stays readable by its version, what nobody can ask for goes."""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from deltalake import DeltaTable

import lossledger.cli.main
import lossledger.jobs.publish
from lossledger.engine.errors import ConfigError
from lossledger.jobs.load.landing_zone import SCENARIOS
from lossledger.jobs.maintain import maintain_lines
from lossledger.schemas.attribution import ACCOUNT_DAILY
from lossledger.schemas.attribution import TABLES as ATTRIBUTION
from lossledger.schemas.ops import PUBLISHED_DAYS, RUNS
from lossledger.schemas.registry import TABLES
from lossledger.store.retained_versions import retained_versions
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, D11, add_rows, deliver, run_dates, small_landing
from tests.lived import small_warehouse
from tests.scenarios import run_range, write_scenario

NEXT_TICKS = """
    ts                   | instrument_id | mark_price
    2025-10-11T10:00:00Z | P             | 900
"""
DEPOSIT = "t{} | 2025-10-10T09:00:00Z | b | USD | | 5 | deposit"
DELIVERED = """
    transfer_id | ts                   | account_id | currency | isolation | amount | kind
    t3          | 2025-10-10T09:00:00Z | b          | USD      |           | 5      | deposit
"""
YEAR_MS = 366 * 86_400_000


def later() -> int:
    """A year from now, in milliseconds: everything on disk is old then."""
    return time.time_ns() // 1_000_000 + YEAR_MS


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two dates, the second published twice and begun a third time by a run that died; one scenario."""
    folder = tmp_path_factory.mktemp("lived-in")
    landing, warehouse = small_landing(folder / "landing"), folder / "warehouse"
    small_warehouse(D10, warehouse)
    write_scenario(landing, "gentle", policy={"fund_draws": "at_event"})
    run_range(landing, warehouse, D9, D10, "gentle")
    deliver(landing, "transfers", DELIVERED, D10)
    run_dates(landing, warehouse, D10)
    add_rows(landing, "transfers", DEPOSIT.format(4), D10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lossledger.jobs.publish, "_commit", die)
        with pytest.raises(KeyboardInterrupt):
            run_dates(landing, warehouse, D10)
    add_rows(landing, "transfers", DEPOSIT.format(5), D10)
    run_dates(landing, warehouse, D10)
    return warehouse


def die(*_: object) -> None:
    """In the place of the commit: the tables are written, and readers never hear of it."""
    raise KeyboardInterrupt


@pytest.fixture
def warehouse(lived_in: Path, tmp_path: Path) -> Path:
    """A copy for one test, with hard links as they are."""
    return copy(lived_in, tmp_path / "warehouse")


def copy(source: Path, target: Path) -> Path:
    """With what has two names keeping them: `cp -a` does, shutil.copytree does not."""
    subprocess.run(["cp", "-a", str(source), str(target)], check=True)
    return target


def published_once(root: Path) -> Iterator[tuple[str, int, list[str]]]:
    """Table, version and rows of everything that was ever published and of every recorded run's input."""
    for name, versions in sorted(retained_versions(Warehouse(root)).items()):
        for version in sorted(versions):
            path = Warehouse(root).path(TABLES[name])
            rows = DeltaTable(str(path), version=version).to_pyarrow_table().to_pylist()
            yield name, version, sorted(map(str, rows))


def data_files(root: Path) -> set[Path]:
    return {path.relative_to(root) for path in root.rglob("*") if path.is_file() and path.name != ".lock"}


def test_every_version_that_was_ever_published_stays_readable(warehouse: Path) -> None:
    """Also of restated dates, which `ops.published_days` names only in its history, and of scenarios."""
    roots = (warehouse, warehouse / SCENARIOS / "gentle")
    before = [list(published_once(root)) for root in roots]
    now = [[row for t in TABLES.values() for row in Warehouse(root).read(t).to_pylist()] for root in roots]
    said = list(maintain_lines(warehouse, now_ms=later()))
    assert [list(published_once(root)) for root in roots] == before
    after = [[row for t in TABLES.values() for row in Warehouse(root).read(t).to_pylist()] for root in roots]
    assert [sorted(map(str, rows)) for rows in after] == [sorted(map(str, rows)) for rows in now]
    assert len({version for name, version, _ in before[0] if name == ACCOUNT_DAILY.full_name}) == 4
    assert any(line.startswith("scenario gentle") for line in said)


def test_what_a_dead_run_committed_and_nobody_was_told_of_goes(warehouse: Path) -> None:
    opened = Warehouse(warehouse)
    named = retained_versions(opened)[ACCOUNT_DAILY.full_name]
    [unnamed] = set(range(1, opened.version(ACCOUNT_DAILY) + 1)) - named
    path = str(opened.path(ACCOUNT_DAILY))
    kept = {uri for v in named for uri in DeltaTable(path, version=v).file_uris()}
    dead = [Path(uri.removeprefix("file://")) for uri in DeltaTable(path, version=unnamed).file_uris()]
    dead = [file for file in dead if str(file) not in kept]
    size = sum(file.stat().st_size for file in dead)
    assert len(dead) == 2
    said = list(maintain_lines(warehouse, now_ms=later()))
    assert [file for file in dead if file.exists()] == []
    about = f"published  freed 2 files, {size} bytes  attribution.account_daily, of no version that anybody may ask for"
    assert about in said


def test_what_is_younger_than_the_age_stays(warehouse: Path) -> None:
    """A reader that has just opened the newest version, a night between two stages: both lose nothing."""
    before = data_files(warehouse)
    said = list(maintain_lines(warehouse))
    assert before <= data_files(warehouse)
    assert [line for line in said if "freed" in line] == [
        "published  freed 0 files, 0 bytes  in all",
        "scenario gentle  freed 0 files, 0 bytes  in all",
    ]


def test_a_dry_run_says_the_same_and_changes_nothing(warehouse: Path) -> None:
    (warehouse / "staging" / ".spill").mkdir(parents=True, exist_ok=True)
    (warehouse / "staging" / ".spill" / "rows.tmp").write_text("spilled")
    before, now_ms = data_files(warehouse), later()
    would = list(maintain_lines(warehouse, dry_run=True, now_ms=now_ms))
    assert data_files(warehouse) == before
    did = list(maintain_lines(warehouse, now_ms=now_ms))
    assert [line.replace("would free", "freed").replace("would put", "put") for line in would[:-1]] == did
    assert would[-1] == "nothing was changed: --dry-run"


def test_runs_of_a_date_are_put_into_one_file(warehouse: Path) -> None:
    def files() -> int:
        return len(DeltaTable(str(Warehouse(warehouse).path(RUNS))).file_uris())

    before = sorted(map(str, Warehouse(warehouse).read(RUNS).to_pylist()))
    assert files() > 2
    said = list(maintain_lines(warehouse))
    assert "published  put ops.runs into one file a date: 1 date" in said
    assert files() == 2  # a file a date
    assert sorted(map(str, Warehouse(warehouse).read(RUNS).to_pylist())) == before
    assert [line for line in maintain_lines(warehouse) if "put" in line] == []


def test_leftovers_of_dead_runs_go(warehouse: Path) -> None:
    """A part file that no log names, a half-written copy of a delivery, spilled rows, the staged date."""
    part = Warehouse(warehouse).path(ACCOUNT_DAILY) / f"business_date={D10}" / "part-00000-dead.zstd.parquet"
    half = warehouse / "raw" / "content" / "ab" / "abcd.77.writing"
    spilled = warehouse / "staging" / ".spill" / "rows.tmp"
    staged = warehouse / "staging" / "2025-10-12" / "load.json"
    for path in (part, half, spilled, staged):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    list(maintain_lines(warehouse))
    assert all(path.exists() for path in (part, half, spilled, staged))
    list(maintain_lines(warehouse, now_ms=later()))
    assert not any(path.exists() for path in (part, half, spilled, staged, staged.parent))


def test_a_date_that_was_being_published_keeps_its_staging(warehouse: Path) -> None:
    """Its note tells the next run that what readers see is not what stands in the tables."""
    note = warehouse / "staging" / str(D10) / f"{lossledger.jobs.publish.IN_PROGRESS}.json"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"run_id": "dead"}))
    list(maintain_lines(warehouse, now_ms=later()))
    assert note.exists()


def test_the_next_date_and_a_restatement_run_after_it(warehouse: Path, lived_in: Path) -> None:
    """Nothing that a run needs is gone: it publishes what it would have published."""
    landing = lived_in.parent / "landing"
    deliver(landing, "ticks", NEXT_TICKS, D11)
    other = copy(warehouse, warehouse.with_name("untouched"))
    list(maintain_lines(warehouse, now_ms=later()))
    for root in (warehouse, other):
        run_dates(landing, root, D9, D11)
    rows = [
        [sorted(map(str, Warehouse(root).read(t).to_pylist())) for t in ATTRIBUTION]
        for root in (warehouse, other)
    ]
    assert rows[0] == rows[1]


def test_nothing_is_removed_when_nobody_can_tell_what_was_published(warehouse: Path) -> None:
    folder = Warehouse(warehouse).path(PUBLISHED_DAYS)
    old = set(folder.rglob("*.parquet")) - set(map(Path, current(folder)))
    min(old).unlink()
    before = data_files(warehouse)
    with pytest.raises(ConfigError, match="which versions were published"):
        list(maintain_lines(warehouse, now_ms=later()))
    assert data_files(warehouse) >= before - {min(old).relative_to(warehouse)}


def current(folder: Path) -> list[str]:
    return [uri.removeprefix("file://") for uri in DeltaTable(str(folder)).file_uris()]


def test_a_log_with_a_gap_frees_nothing(warehouse: Path) -> None:
    (Warehouse(warehouse).path(ACCOUNT_DAILY) / "_delta_log" / f"{1:020}.json").unlink()
    with pytest.raises(ConfigError, match="version 1 is not in its log"):
        list(maintain_lines(warehouse, now_ms=later()))


def test_a_held_warehouse_is_refused(warehouse: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Warehouse(warehouse).locked():
        assert lossledger.cli.main.main(["maintain", "--warehouse", str(warehouse)]) == 4
    assert "another run is writing" in capsys.readouterr().err


@pytest.mark.parametrize("days", ["0", "-1", "week"])
def test_the_age_is_at_least_a_day(warehouse: Path, days: str) -> None:
    with pytest.raises(SystemExit):
        lossledger.cli.main.main(["maintain", "--warehouse", str(warehouse), "--older-than", days])


def test_a_folder_that_is_no_warehouse_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lossledger.cli.main.main(["maintain", "--warehouse", str(tmp_path)]) == 2
    assert "no Lossledger warehouse" in capsys.readouterr().err
