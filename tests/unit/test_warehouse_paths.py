"""A warehouse is the same one however its path is written, and what failed leaves nothing behind."""

import shutil
from pathlib import Path

import pytest

import jobs.scenario
from engine.errors import ConfigError
from jobs.fund_size import fund_size_lines
from jobs.run import Request
from jobs.spark.mapper import InProcess
from store.scenarios import SCENARIOS, scenario_names
from store.warehouse import Warehouse
from tests.cases import DATA, case_days
from tests.scenarios import run_range, write_scenario

DAYS = case_days("recorded_profit")
WRITTEN = (
    "w/house",
    "w/house/",
    "./w/../w/house",
    "link",
    "link/",
    "w/in/../house",
    "{here}/w/house",
    "{here}/link",
)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a landing zone, a warehouse `w/house` with the first date in it, and a symlink to that."""
    monkeypatch.setattr("jobs.stages.check_day", lambda day, run_id: None)
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DATA / "recorded_profit" / "landing", "landing")
    write_scenario(Path("landing"), "none", policy={"sharing": "none"})
    run_range(Path("landing"), Path("w/house"), DAYS[0], DAYS[0])
    Path("link").symlink_to("w/house")
    Path("w/in").mkdir()
    return tmp_path


def leftovers(root: Path) -> list[str]:
    return [path.name for path in (root / SCENARIOS).iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("written", WRITTEN)
def test_a_scenario_takes_over_the_input_however_the_path_is_written(here: Path, written: str) -> None:
    path = Path(written.format(here=here))
    assert len(run_range(Path("landing"), path, DAYS[0], DAYS[0], "none")) == 1
    assert scenario_names(path) == ["none"]
    assert leftovers(path) == []
    # and again, made anew
    write_scenario(Path("landing"), "none", policy={"sharing": "equity_prorata"})
    assert len(run_range(Path("landing"), path, DAYS[0], DAYS[0], "none")) == 1
    assert leftovers(path) == []


@pytest.mark.parametrize("written", ["w/house", "link"])
def test_fund_size_does_too(here: Path, written: str) -> None:
    request = Request(Path("landing"), Path(written), DAYS[0], DAYS[0], InProcess(1))
    assert any("smallest opening" in line for line in fund_size_lines(request))
    assert leftovers(Path(written)) == []


def test_a_scenario_that_cannot_be_made_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Warehouse, target: Warehouse) -> None:
        raise ConfigError("no space left")

    monkeypatch.setattr(jobs.scenario, "copy_input", full)
    with pytest.raises(ConfigError, match="no space left"):
        run_range(Path("landing"), Path("w/house"), DAYS[0], DAYS[0], "none")
    assert list(Path("w/house", SCENARIOS).iterdir()) == []
