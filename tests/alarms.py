"""The rules as queries, without Great Expectations, which takes most of the time; test_gate.py runs them with it."""

from datetime import date

import duckdb

from lossledger.expectations.check import FAIL
from lossledger.expectations.rules import all_rules
from lossledger.jobs.check import tables_to_check
from lossledger.jobs.day import Day
from lossledger.store.places import Copies


class Alarms:
    """Stands in the place of the quality checks: notes, by date, which rules of severity fail were violated."""

    def __init__(self) -> None:
        self.found: dict[date, list[str]] = {}

    def __call__(self, day: Day, run_id: str) -> None:
        with duckdb.connect() as connection, Copies() as copies:
            connection.execute("set TimeZone = 'UTC'")
            for name, data in tables_to_check(day, copies).items():
                if isinstance(data, str):  # a query over files
                    connection.execute(f'create view "{name}" as {data}')
                else:
                    connection.register(name, data)
            must_hold = [rule for rule in all_rules() if rule.severity == FAIL]
            self.found[day.day] = [r.name for r in must_hold if connection.execute(r.sql).fetchone()]
