"""The suite of every published table: what its declaration says and the rules that are told of it."""

from functools import cache

from lossledger.expectations.check import Check
from lossledger.expectations.from_schema import structural_checks
from lossledger.expectations.rules import all_rules
from lossledger.schemas.core import Table
from lossledger.schemas.registry import PUBLISHED


def suite(table: Table) -> list[Check]:
    """In the order in which they are told: a missing column first, then what follows from it."""
    rules = [rule.check for rule in all_rules() if rule.table == table.full_name]
    return structural_checks(table) + rules


@cache
def published_suites() -> dict[str, list[Check]]:
    """The suites that gate publication, by full table name."""
    return {name: suite(table) for name, table in PUBLISHED.items()}
