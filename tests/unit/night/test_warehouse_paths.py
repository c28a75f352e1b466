"""A warehouse is the same one however its path is written, and what failed leaves nothing behind."""

import shutil
from pathlib import Path

import pytest

import lossledger.jobs.scenario
from lossledger.engine.errors import ConfigError
from lossledger.jobs.fund_size import fund_size_lines
from lossledger.jobs.run import Request
from lossledger.jobs.spark.mapper import InProcess
from lossledger.store.scenario_folders import SCENARIOS, scenario_names, scenario_root
from lossledger.store.warehouse import Warehouse
from tests.cases import DATA, case_days
from tests.lived import case_warehouse
from tests.scenarios import run_range, write_scenario
from tests.unchecked import unchecked

DAYS = case_days("recorded_profit")
WRITTEN = ("w/house/", "./w/in/../house", "link/", "{here}/link", "{here}/w/house")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a landing zone, a warehouse `w/house` with the first date in it, and a symlink to that."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DATA / "recorded_profit" / "landing", "landing")
    write_scenario(Path("landing"), "none", policy={"sharing": "none"})
    case_warehouse("recorded_profit", DAYS[0], Path("w/house"))
    Path("link").symlink_to("w/house")
    Path("w/in").mkdir()
    return tmp_path


def leftovers(root: Path) -> list[str]:
    """Half-made scenarios. The file of a lock stays: it is empty, and who waits for it has it open."""
    names = [path.name for path in (root / SCENARIOS).iterdir()]
    return [name for name in names if name.startswith(".") and not name.endswith(".lock")]


def test_a_scenario_takes_over_the_input_however_the_path_is_written(here: Path) -> None:
    for number, written in enumerate(WRITTEN):
        path = Path(written.format(here=here))
        write_scenario(Path("landing"), f"s{number}", policy={"sharing": "none"})
        assert len(run_range(Path("landing"), path, DAYS[0], DAYS[0], f"s{number}")) == 1
        assert (scenario_root(path, f"s{number}") / "ledger" / "fills" / "_delta_log").is_dir()
    # and one made anew
    write_scenario(Path("landing"), "s0", policy={"sharing": "equity_prorata"})
    run_range(Path("landing"), Path(WRITTEN[0]), DAYS[0], DAYS[0], "s0")
    assert len(scenario_names(Path("w/house"))) == len(WRITTEN)
    assert leftovers(Path("w/house")) == []


def test_fund_size_does_too(here: Path) -> None:
    request = Request(Path("landing"), Path("link/"), DAYS[0], DAYS[0], InProcess(1), check=unchecked)
    assert any("smallest opening" in line for line in fund_size_lines(request))
    assert leftovers(Path("w/house")) == []


def test_a_scenario_that_cannot_be_made_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: Warehouse, target: Warehouse) -> None:
        raise ConfigError("no space left")

    monkeypatch.setattr(lossledger.jobs.scenario, "copy_input", full)
    with pytest.raises(ConfigError, match="no space left"):
        run_range(Path("landing"), Path("w/house"), DAYS[0], DAYS[0], "none")
    assert leftovers(Path("w/house")) == scenario_names(Path("w/house")) == []
