"""All checks of a table that must hold as one query, which is quick when they do."""

from collections.abc import Sequence

from expectations.check import FAIL, Check, rows_check
from expectations.from_schema import BUSINESS_DATES

TOGETHER = "together "


def together(table: str, checks: Sequence[Check]) -> Check:
    """A check that finds a row for every one of `checks` that does not hold, warnings left out."""
    queries = [
        f"select {_text(check.name)} as violated where exists (\n{violations(check)}\n)"
        for check in checks
        if check.severity == FAIL
    ]
    return rows_check(table, TOGETHER + table, " union all ".join(queries) or "select 1 where false")


def violations(check: Check) -> str:
    """The query for the rows that violate a check, also where it is no query for Great Expectations.

    ValueError for an expectation that is not known here.
    """
    table, arguments = check.table.split(".")[1], check.arguments
    if check.expectation == "UnexpectedRowsExpectation":
        return str(arguments["unexpected_rows_query"]).format(batch="")
    if check.expectation == "ExpectTableColumnsToMatchOrderedList":
        names = ", ".join(_text(name) for name in arguments["column_list"])
        return f"select 1 where (select list(column_name) from (describe {table})) <> [{names}]"
    if check.expectation == "ExpectColumnValuesToBeInSet":
        if arguments["value_set"] == BUSINESS_DATES:
            return f"select 1 from {table} where business_date <> getvariable('business_date')"
        values = ", ".join(_text(value) for value in arguments["value_set"])
        return f'select 1 from {table} where "{arguments["column"]}" not in ({values})'
    raise ValueError(f"{check.expectation} has no query for the rows that violate it")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
