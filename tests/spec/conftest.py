"""The rules hold for the reference and for the compiled replay alike: every spec test runs with both."""

import pytest

import engine.rules.order
import kernel.replay
from tests.spec import tables

REPLAYS = {"reference": engine.rules.order.replay_units, "kernel": kernel.replay.replay_units}


@pytest.fixture(params=sorted(REPLAYS), autouse=True)
def replay(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose replay the tables are replayed with."""
    monkeypatch.setattr(tables, "replay_units", REPLAYS[request.param])
