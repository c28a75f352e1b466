"""No rule complains of a date that is right: generated markets that reach the corners, and every exact case
(tests/unit/night/test_cases.py).

The queries run as they are, without Great Expectations, which takes most of the time; test_gate.py runs them with it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from lossledger.jobs.day import Day
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess
from tests.alarms import Alarms
from tests.cases import run_case
from tests.oracle.markets import write_market


@pytest.mark.parametrize("execution", ["recorded", "simulated"])
@pytest.mark.parametrize("seed", [3])
def test_generated_markets(seed: int, execution: str, tmp_path: Path) -> None:
    """With both kinds of draws, deleveraging, turned and unmarked positions, surplus, rebates and debts."""
    alarms = Alarms()
    first, last = write_market(tmp_path / "landing", seed, execution)
    list(run(Request(tmp_path / "landing", tmp_path / "warehouse", first, last, InProcess(1), check=alarms)))
    assert alarms.found
    assert not any(alarms.found.values())


def test_a_wrong_date_is_an_alarm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above rest on: a session that is taken to draw at its end is not what was computed."""

    def late(day: Day) -> int:
        return day.end - 1

    alarms = Alarms()
    monkeypatch.setattr("lossledger.jobs.check._drawn_at", late)
    run_case("recorded_profit", tmp_path, check=alarms)
    assert {name for found in alarms.found.values() for name in found} == {
        "fund_draws_match_events",
        "shortfall_needs_empty_fund",
    }
