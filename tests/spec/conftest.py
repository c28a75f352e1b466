"""The rules hold for the reference and for the compiled replay alike: every spec test runs with both."""

import pytest

import lossledger.engine.rules.order
import tests.kernel.object_replay
from tests.spec import tables

REPLAYS = {
    "reference": lossledger.engine.rules.order.replay_units,
    "kernel": tests.kernel.object_replay.replay_units,
}


@pytest.fixture(params=sorted(REPLAYS), autouse=True)
def replay(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose replay the tables are replayed with."""
    monkeypatch.setattr(tables, "replay_units", REPLAYS[request.param])
