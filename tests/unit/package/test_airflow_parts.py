"""Ending Airflow on one machine: Ctrl-C, or one part that ends, leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).parents[3] / "scripts" / "airflow_parts.py"
# In the place of airflow: notes what it is, and has a child that outlives it.
PART = """#!{python}
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
open("{folder}/" + sys.argv[1], "w").write(f"{{os.getpid()}} {{child.pid}} {{' '.join(sys.argv[2:])}}")
while not all(os.path.exists("{folder}/" + part) for part in {parts}):
    time.sleep(0.1)
time.sleep({seconds})
"""
PARTS = ("scheduler", "dag-processor", "api-server", "triggerer")
PATIENCE_S = 600  # with what would hang for ever
Start = Callable[[float], "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the parts, which would end by themselves so many seconds after all are there."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(seconds: float) -> "subprocess.Popen[bytes]":
        stub = tmp_path / "airflow"
        stub.write_text(PART.format(python=sys.executable, folder=tmp_path, parts=PARTS, seconds=seconds))
        stub.chmod(0o755)
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
        running.append(subprocess.Popen([sys.executable, SCRIPT], env=environment, start_new_session=True))
        return running[0]

    yield begin
    for process in running:
        process.terminate()
        process.wait(PATIENCE_S)


def notes(folder: Path) -> list[list[str]]:
    """Per part: its process, its child's, and its arguments; waits until all have been started."""
    for _ in range(10 * PATIENCE_S):
        found = [(folder / part).read_text() for part in PARTS if (folder / part).exists()]
        if len(found) == len(PARTS) and all(found):
            return [text.split() for text in found]
        time.sleep(0.1)
    raise AssertionError("not all parts were started")


def living(folder: Path) -> list[int]:
    pids = [int(pid) for note in notes(folder) for pid in note[:2]]
    return [pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie"]


@pytest.mark.parametrize(
    "end", [os.kill, os.killpg], ids=["the script alone", "its group, as a terminal does"]
)
def test_interrupt_ends_all_that_was_started(
    end: Callable[[int, int], None], start: Start, tmp_path: Path
) -> None:
    process = start(3600)
    assert len(living(tmp_path)) == 8
    end(process.pid, signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
    assert living(tmp_path) == []


def test_part_that_ends_takes_the_others_with_it(start: Start, tmp_path: Path) -> None:
    assert start(1).wait(PATIENCE_S) == 1
    assert living(tmp_path) == []


def test_nothing_serves_logs(start: Start, tmp_path: Path) -> None:
    """The log servers of Airflow listen on every address, and no setting changes that."""
    start(3600)
    assert [note[2:] for note in notes(tmp_path)] == [["--skip-serve-logs"], [], [], ["--skip-serve-logs"]]
