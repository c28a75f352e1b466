"""Lots go on from date to date: a session may stop anywhere and go on from what it stored (rules.md section 15)."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lossledger.engine.rows import SessionRows
from lossledger.engine.session import Carried
from tests.properties.delivered import landed
from tests.properties.history import replay_part, run_history, stored
from tests.properties.ledger import read_ledger

CASES = Path(__file__).parents[1] / "data" / "cases"
CUTS = 2  # of a session


@pytest.mark.parametrize("name", ["takeover_recorded", "edges_takeover", "edges_takeover_simulated"])
def test_a_session_with_lots_may_stop_anywhere(name: str) -> None:
    ledger = read_ledger(landed(CASES / name / "landing", date(2025, 10, 9), date(2025, 10, 11)))
    before = Carried()
    seen = 0
    for done in run_history(ledger):
        start, end = done.session.start, done.session.end
        times = [t for t in ledger.times() if start < t < end]
        for cut in times[:: max(1, len(times) // CUTS)]:
            first, carried = replay_part(ledger, stored(before), start, cut)
            second, left = replay_part(ledger, stored(carried), cut, end)
            assert facts(first, second) == facts(done.rows), cut
            assert left.lots == done.carried.lots
        seen += len(done.rows.takeovers) + len(done.rows.lots)
        before = done.carried
    assert seen > 20


def facts(*parts: SessionRows) -> list[str]:
    """What became of lots, wherever a session was cut; a `place` counts within a part."""
    rows: list[object] = [t for part in parts for t in part.takeovers]
    rows += [m._replace(place=0) for part in parts for m in part.fund_movements]
    rows += [n._replace(place=0) for part in parts for n in part.negative_balances if n.cause == "takeover"]
    return sorted(map(repr, rows))
