"""The vocabulary: a Check is what must hold of a table, a CheckResult what was found on a date."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

FAIL, WARN = "fail", "warn"
BREAKS = "reconciliation_breaks"  # the check that a person is told of by rule: engine/rules/breaks.py
UNDETERMINED = "reconciliation_undetermined"  # comparisons with the venue: in a scenario they say nothing


@dataclass(frozen=True)
class Check:
    """A Great Expectations expectation as plain data.

    `table` is a full name; `name` is unique in it. `expectation` is a class of great_expectations.expectations,
    `arguments` its arguments. A failed check of severity `fail` keeps the date from being published.
    """

    table: str
    name: str
    expectation: str
    arguments: Mapping[str, Any]
    severity: str = FAIL


@dataclass(frozen=True)
class CheckResult:
    """Whether a check held on a date; `examples` are a few of the violating rows, as JSON."""

    check: Check
    success: bool
    unexpected_count: int
    examples: str


def finding(table: str, name: str, unexpected_count: int) -> str:
    """A warning as a person is told: which check, and how many rows."""
    count = f"{unexpected_count} row{'s' if unexpected_count != 1 else ''}"
    return f"{table}: {name}: {count}; see ops.dq_results and the page Checks"


def rows_check(table: str, name: str, sql: str, severity: str = FAIL) -> Check:
    """A check by a query for the rows that violate it: exact, for it is evaluated on decimals by the database.

    Nothing else is used on money: numeric bounds of expectations are compared as binary floats.
    """
    # Great Expectations wants its batch named in a query; ours name the tables themselves.
    query = "/* {batch} */ " + sql.replace("{", "{{").replace("}", "}}")
    return Check(table, name, "UnexpectedRowsExpectation", {"unexpected_rows_query": query}, severity)


def suite_sha256(checks: Iterable[Check]) -> str:
    """A hash of what is checked, so that a published number can be tied to the rules that it passed."""
    return hashlib.sha256(json.dumps([asdict(c) for c in checks], sort_keys=True).encode()).hexdigest()
