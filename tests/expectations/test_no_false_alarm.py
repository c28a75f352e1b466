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
from tests.cases import CASES, case_days, run_case
from tests.oracle.markets import write_market


class Alarms:
    """Stands in the place of the quality checks: notes, by date, which rules of severity fail were violated."""

    def __init__(self) -> None:
        self.found: dict[date, list[str]] = {}

    def __call__(self, day: Day, run_id: str) -> None:
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            for name, data in tables_to_check(day).items():
                if isinstance(data, str):  # a query over files
                    connection.execute(f'create view "{name}" as {data}')
                else:
                    connection.register(name, data)
            must_hold = [rule for rule in all_rules() if rule.severity == FAIL]
            self.found[day.day] = [r.name for r in must_hold if connection.execute(r.sql).fetchone()]


@pytest.mark.parametrize("name", CASES)
def test_exact_cases(name: str, tmp_path: Path) -> None:
    alarms = Alarms()
    run_case(name, tmp_path, check=alarms)
    assert alarms.found == {day: [] for day in case_days(name)}


@pytest.mark.parametrize("execution", ["recorded", "simulated"])
@pytest.mark.parametrize("seed", [3, 4])
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
    monkeypatch.setattr("jobs.check._drawn_at", late)
    run_case("recorded_profit", tmp_path, check=alarms)
    assert {name for found in alarms.found.values() for name in found} == {"fund_draws_match_events"}
