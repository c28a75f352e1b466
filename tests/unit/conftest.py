"""Fixtures of the tests that call the command line in their own process, and a warehouse that some share."""

from pathlib import Path

import pytest

import lossledger.cli.main
import lossledger.cli.stage
from tests.builders import D10, small_landing
from tests.lived import small_warehouse
from tests.scenarios import run_range, write_scenario
from tests.unchecked import unchecked_request


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Account a falls 20 below zero on the second date and b is charged for it; a scenario begins on that date.

    For reading: the tests that share it are one group (`group_of` in tests/conftest.py).
    """
    root = tmp_path_factory.mktemp("small")
    small_warehouse(D10, root / "warehouse")
    write_scenario(small_landing(root / "landing"), "nobody", policy={"sharing": "none"})
    run_range(root / "landing", root / "warehouse", D10, D10, "nobody")
    return root / "warehouse"


@pytest.fixture
def unchecked_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line asks for is run without the quality checks."""
    for door in (lossledger.cli.main, lossledger.cli.stage):
        monkeypatch.setattr(door, "request_from", unchecked_request)
