"""How work ends: what the process says and returns is what ops.runs notes."""

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lossledger.cli import stage
from lossledger.cli.main import main
from lossledger.engine.errors import ConfigError, ConflictError, DataError, Ending, ending
from lossledger.jobs.stages import NAMES
from lossledger.schemas.ops import RUNS
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, small_landing

pytestmark = pytest.mark.usefixtures("unchecked_cli")

FULL = OSError(errno.ENOSPC, "No space left on device", "/data/w/fills.parquet")
WRAPPED = Exception(
    "Failed to parse parquet: Unable to copy data to file: No space left on device (os error 28)"
)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ConfigError("correct it"), 2, "correct it"),
        (DataError("two\n  lines"), 3, "two lines"),
        (ConflictError("again"), 4, "again"),
        (KeyboardInterrupt(), 4, "interrupted; what was published before stays, run the same command again"),
        (
            PermissionError(13, "Permission denied", "/data/w"),
            2,
            "no permission: /data/w; run as a user who may",
        ),
        (FULL, 4, "no space left on the disk: /data/w/fills.parquet; make room and run the same command"),
        (WRAPPED, 4, "no space left on the disk: Failed to parse parquet"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), 4, "no space left on the disk"),
        (ValueError("what"), 1, "unexpected ValueError: what; run again with --debug for the traceback"),
    ],
)
def test_an_error_has_one_code_and_one_line(error: BaseException, code: int, line: str) -> None:
    found = ending(error)
    assert found.exit_code == code
    assert found.line.startswith(line)


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


def fails_with(error: BaseException) -> Callable[..., None]:
    def attribute(*_: object) -> None:
        raise error

    return attribute


def noted(warehouse: Path) -> list[Ending]:
    """The ends in ops.runs, in the order of their start."""
    rows = sorted(Warehouse(warehouse).read(RUNS).to_pylist(), key=lambda row: row["started_at"])
    return [Ending(row["exit_code"], row["message"]) for row in rows]


def arguments(landing: Path, warehouse: Path) -> list[str]:
    return ["--engine", "local", "--landing", str(landing), "--warehouse", str(warehouse)]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (KeyboardInterrupt(), 4),
        (PermissionError(13, "Permission denied", "/data/w"), 2),
        (FULL, 4),
        (BrokenPipeError(32, "Broken pipe"), 1),
        (ValueError("what"), 1),
    ],
)
def test_what_is_noted_is_what_the_process_ends_with(
    error: BaseException,
    code: int,
    landing: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("lossledger.jobs.stages.attribute_day", fails_with(error))
    warehouse = tmp_path / "warehouse"
    call = ["run", *arguments(landing, warehouse), "--from", str(D9), "--to", str(D9)]
    assert main(call) == code
    assert noted(warehouse) == [
        Ending(code, capsys.readouterr().err.strip().removeprefix("lossledger: error: "))
    ]


def test_a_stage_that_is_tried_again_has_a_row_of_its_own(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow clears one task of a night: the run is the same, both attempts are history, no key stands twice."""
    warehouse = tmp_path / "warehouse"

    def night(*names: str) -> list[int]:
        common = [*arguments(landing, warehouse), "--business-date", str(D9)]
        return [stage.main([name, *common]) for name in names]

    with monkeypatch.context() as patch:
        patch.setattr(
            "lossledger.jobs.stages.attribute_day", fails_with(PermissionError(13, "Permission denied", "/w"))
        )
        assert night(*NAMES[:3]) == [0, 0, 2]
    assert night(*NAMES[2:]) == [0, 0, 0]
    rows = Warehouse(warehouse).read(RUNS).to_pylist()
    assert sorted(row["outcome"] for row in rows) == ["failed", "published"]
    assert len({row["run_id"] for row in rows}) == 1
    assert len({tuple(row[name] for name in RUNS.key) for row in rows}) == 2


def test_a_failure_that_cannot_be_noted_is_told_all_the_same(
    landing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The disk is full for ops.runs as well: the path at fault is the first one."""
    monkeypatch.setattr("lossledger.jobs.stages.attribute_day", fails_with(FULL))
    append = Warehouse.append

    def refuse(self: Warehouse, table: Any, data: Any) -> None:
        if table is RUNS:
            raise ConflictError("no space left on the disk: ops.runs")
        append(self, table, data)

    monkeypatch.setattr(Warehouse, "append", refuse)
    call = ["run", *arguments(landing, tmp_path / "warehouse"), "--from", str(D9), "--to", str(D9)]
    assert main(call) == 4
    warning, error = capsys.readouterr().err.splitlines()
    assert warning == "warning: 2025-10-09: the failure could not be noted in ops.runs: " + (
        "no space left on the disk: ops.runs"
    )
    assert error.startswith("lossledger: error: no space left on the disk: /data/w/fills.parquet")
