"""A run that slept and was taken over ends with code 4 in whatever stage it was, and nothing of it is read.

Whoever takes over removes what the sleeper has staged, so each stage fails in its own way: files are not there, a
table is not there, a commit is refused. None of that is a fault of the program or of the data.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from lossledger.cli import stage as cli_stage
from lossledger.cli.main import main
from lossledger.jobs.stages import NAMES, Stages
from lossledger.store.places import place
from lossledger.store.published_dates import published_days
from lossledger.store.staging import Staging
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, small_landing
from tests.s3 import BUCKET, s3_server

pytestmark = pytest.mark.usefixtures("unchecked_cli")

ROOT = f"s3://{BUCKET}/warehouse"
SLEPT = f"this run was held up for more than 60 s and may have lost {ROOT} to another one: run the same command again"


@pytest.fixture(scope="module")
def warehouse() -> Iterator[Warehouse]:
    with s3_server():
        yield Warehouse.create(place(ROOT))


@pytest.fixture
def arguments(warehouse: Warehouse, tmp_path: Path) -> list[str]:
    landing = small_landing(tmp_path / "landing")
    return ["--landing", str(landing), "--warehouse", ROOT, "--engine", "local"]


def sleep_in(stage: str, monkeypatch: pytest.MonkeyPatch, *, after: bool = False) -> None:
    """A run falls asleep as it begins (or ends) a stage; the next one takes over and is done before it wakes up."""
    awake = Stages.run

    def asleep(stages: Stages, name: str) -> None:
        if after:
            awake(stages, name)
        if name == stage:
            take_over()
        if not after:
            awake(stages, name)

    monkeypatch.setattr(Stages, "run", asleep)
    monkeypatch.setattr("lossledger.store.lease._age", lambda path, tag, seconds: 3600)


def take_over() -> None:
    heir = Warehouse(place(ROOT))
    with heir.locked():
        Staging(heir.root, D9, heir.token).discard()


@pytest.mark.parametrize("stage", NAMES)
def test_a_run_that_slept_in_a_stage(
    stage: str,
    arguments: list[str],
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sleep_in(stage, monkeypatch)
    assert main(["run", *arguments, "--from", str(D9), "--to", str(D9)]) == 4
    assert capsys.readouterr().err.splitlines()[-1].endswith(SLEPT)
    assert published_days(Warehouse(warehouse.root)) == {}


def test_a_stage_that_was_done_before_it_woke_up(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing failed, and yet it is not done: the files that it has staged may have been removed."""
    sleep_in("load", monkeypatch, after=True)
    assert cli_stage.main(["load", *arguments, "--business-date", str(D9)]) == 4
    said = capsys.readouterr()
    assert said.err.splitlines()[-1].endswith(SLEPT)
    assert "load  done" not in said.out
