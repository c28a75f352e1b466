"""Packages of somebody else that are called like our rooms change nothing, wherever a command happens to stand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cases import DATA

ROOT = Path(__file__).resolve().parents[3]
ROOMS = (
    "schemas",
    "engine",
    "kernel",
    "store",
    "jobs",
    "readers",
    "cli",
    "adapters",
    "simulator",
    "expectations",
)
LOSSLEDGER = str(Path(sys.executable).with_name("lossledger"))
DATE = "2025-10-09"


@pytest.fixture
def crowded(tmp_path: Path) -> Path:
    """A folder with an empty package for each of our rooms."""
    folder = tmp_path / "worker"
    for name in ROOMS:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").touch()
    return folder


def run_from(folder: Path, *command: str) -> str:
    """A command's output; it runs in the folder and has it on PYTHONPATH."""
    there = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(command, cwd=folder, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_date_is_run_by_the_command_and_by_a_stage(crowded: Path) -> None:
    landing, warehouse = str(DATA / "recorded_profit" / "landing"), str(crowded.parent / "warehouse")
    places = ["--landing", landing, "--warehouse", warehouse]
    assert DATE in run_from(crowded, LOSSLEDGER, "run", *places, "--from", DATE, "--to", DATE)
    stage = [sys.executable, "-m", "lossledger.cli.stage", "load", "--business-date", DATE]
    assert "unchanged" in run_from(crowded, *stage, *places)


def test_schedules_start_a_module_of_the_one_package() -> None:
    """Airflow's workers stand anywhere: `python -m` looks in their folder first, so the name has to be ours alone."""
    for path in (ROOT / "dags").glob("*.py"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "module_command(" in line and "def " not in line:
                assert '"lossledger.cli.' in line, f"{path.name}: {line.strip()}"


def test_the_package_is_the_only_import_name() -> None:
    assert sorted(p.parent.name for p in (ROOT / "src").glob("*/__init__.py")) == ["lossledger"]
