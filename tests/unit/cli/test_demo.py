"""The demonstration's folder: its own is made anew, anybody else's is left alone."""

from pathlib import Path

import pytest

import lossledger.simulator.demo
from lossledger.cli.demo import GENERATED, demo_lines
from lossledger.engine.errors import ConfigError
from lossledger.jobs.spark.mapper import InProcess
from lossledger.jobs.stages import NAMES
from lossledger.simulator.config import MarketConfig

SMALL = MarketConfig(seed=1, accounts=20, days=1, instruments=2, tick_seconds=1800)


@pytest.fixture(autouse=True)
def small_market(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lossledger.simulator.demo, "DEMO", SMALL)


def demo(folder: Path) -> list[str]:
    return list(demo_lines(folder, InProcess(1)))


def test_demo_folder_is_made_anew_and_what_lies_beside_stays(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    folder.mkdir()  # an empty one is welcome
    first = demo(folder)
    (folder / "landing" / "ticks" / "mine.csv").write_text("left over from yesterday\n")
    (folder / "notes.txt").write_text("mine\n")
    second = demo(folder)
    assert [line for line in first[:-2] if not line.endswith(" s")] == [
        line for line in second[:-2] if not line.endswith(" s")
    ]
    assert not (folder / "landing" / "ticks" / "mine.csv").exists()
    assert (folder / "notes.txt").read_text() == "mine\n"
    assert (folder / "report" / "report.pdf").exists()


def test_it_says_that_its_data_are_generated_and_where_the_time_went(tmp_path: Path) -> None:
    lines = demo(tmp_path / "demo")
    assert lines[1:3] == list(GENERATED)
    html = (tmp_path / "demo" / "report" / "report.html").read_text(encoding="utf-8")
    assert "The data are generated: accounts and trades are made up" in html
    whole, told = lines[-2].removesuffix(" s in all:"), lines[-1]
    spent = {name: float(seconds) for name, seconds in (part.rsplit(" ", 1) for part in told.split(", "))}
    assert list(spent) == ["market", *NAMES, "the rest"]
    assert sum(spent.values()) == pytest.approx(float(whole), abs=1)


def test_demo_that_was_interrupted_is_begun_again(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    lines = demo_lines(folder, InProcess(1))
    next(lines)  # only begun
    lines.close()
    assert "s in all" in demo(folder)[-2]


def test_foreign_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work\n")
    with pytest.raises(ConfigError, match="not made by lossledger demo: give --folder a new or empty folder"):
        demo(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo").touch()
    with pytest.raises(ConfigError, match="give --folder a new or empty folder"):
        demo(tmp_path / "demo")
