"""Fixtures of the hostile tests."""

from pathlib import Path

import pytest

import lossledger.cli.main
from tests.builders import small_landing
from tests.unchecked import unchecked_request


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    return small_landing(tmp_path / "landing")


@pytest.fixture
def no_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what never gets as far as the quality checks, or is not about them."""
    monkeypatch.setattr(lossledger.cli.main, "request_from", unchecked_request)
