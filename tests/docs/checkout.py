"""A copy of the checkout to try the pages in, and running commands there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT

SHELL = ["bash", "-euo", "pipefail", "-c"]
LEFT_OUT = (
    ".git",
    ".venv",
    ".uv",
    ".jars",
    ".airflow",
    ".env",
    "demo",
    "my",
    "hl",
    "site",
    ".hypothesis",
    "*cache*",
    "spark-warehouse",
)


def copy_checkout(copy: Path) -> None:
    """As it is after `make setup`: the environment and the archives are those of the tests."""
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (copy / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():
        if entry.name != ".setup-done":
            (copy / ".venv" / entry.name).symlink_to(entry)
    (copy / ".venv" / ".setup-done").touch()  # `make setup` finds nothing to do
    if (ROOT / ".jars").exists():
        (copy / ".jars").symlink_to(ROOT / ".jars")


def run(command: list[str], folder: Path, text: str = "") -> str:
    """What it prints. AssertionError with its output when it fails."""
    # As a person types it, also where the tests were started by make.
    typed = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    done = subprocess.run(
        command, cwd=folder, env=typed, input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command[-1]}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
