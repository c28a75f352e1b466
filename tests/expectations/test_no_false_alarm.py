"""No rule complains of a date that is right: every exact case, and generated markets that reach the corners.

The queries run as they are, without Great Expectations, which takes most of the time; test_gate.py runs them with it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from expectations.check import FAIL
from expectations.rules import all_rules
from jobs.check import tables_to_check
from jobs.day import Day
from jobs.run import Request, run
from jobs.spark.mapper import InProcess
from tests.cases import CASES, run_case
from tests.oracle.markets import write_market

Alarms = dict[date, list[tuple[str, object]]]


@pytest.fixture
def alarms(monkeypatch: pytest.MonkeyPatch) -> Alarms:
    """By date that was checked: the rules of severity fail that were violated, and the first row that violates."""
    found: Alarms = {}

    def check(day: Day, run_id: str) -> None:
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, data in tables_to_check(day).items():
                connection.register(name, data)
            rows = {r.name: connection.execute(r.sql).fetchone() for r in all_rules() if r.severity == FAIL}
        found[day.day] = [(name, row) for name, row in rows.items() if row]

    monkeypatch.setattr("jobs.stages.check_day", check)
    return found


@pytest.mark.parametrize("name", CASES)
def test_exact_cases(name: str, tmp_path: Path, alarms: Alarms) -> None:
    run_case(name, tmp_path)
    assert alarms
    assert [found for found in alarms.values() if found] == []


@pytest.mark.parametrize("execution", ["recorded", "simulated"])
@pytest.mark.parametrize("seed", [3, 4])
def test_generated_markets(seed: int, execution: str, tmp_path: Path, alarms: Alarms) -> None:
    """With both kinds of draws, deleveraging, turned and unmarked positions, surplus, rebates and debts."""
    first, last = write_market(tmp_path / "landing", seed, execution)
    list(run(Request(tmp_path / "landing", tmp_path / "warehouse", first, last, InProcess(1))))
    assert [found for found in alarms.values() if found] == []


def test_a_wrong_date_is_an_alarm(tmp_path: Path, alarms: Alarms, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the tests above rest on: a session that is taken to draw at its end is not what was computed."""

    def late(day: Day) -> int:
        return day.end - 1

    monkeypatch.setattr("jobs.check._drawn_at", late)
    run_case("recorded_profit", tmp_path)
    assert {name for found in alarms.values() for name, _ in found} == {"fund_draws_match_events"}
