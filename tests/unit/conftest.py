"""Fixtures of the tests that call the command line in their own process."""

import pytest

import cli.main
import cli.stage
from tests.unchecked import unchecked_request


@pytest.fixture
def unchecked_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line asks for is run without the quality checks."""
    for door in (cli.main, cli.stage):
        monkeypatch.setattr(door, "request_from", unchecked_request)
