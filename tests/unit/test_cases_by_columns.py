"""The exact cases once more, with every file read as columns, and with every row sent to the reference judge."""

from pathlib import Path

import pytest

import jobs.load.columns.delivery as delivery
from tests.cases import CASES, differences, run_case


@pytest.mark.parametrize("small_bytes", [0, 1 << 60], ids=["columns", "judge"])
@pytest.mark.parametrize("name", CASES)
def test_case(name: str, small_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.stages.check_day", lambda *_: None)  # Great Expectations is slow to start
    monkeypatch.setattr(delivery, "SMALL_BYTES", small_bytes)
    run_case(name, tmp_path)
    assert differences(name, tmp_path) == {}
