"""All checks of a table as one query that names those that do not hold: quick when all do, which is the rule."""

from collections.abc import Sequence

from lossledger.expectations.check import Check, rows_check
from lossledger.expectations.from_schema import BUSINESS_DATES, FOUND_COLUMNS

VIOLATED = "violated_checks"
# What the database knows of the tables' columns: asking `describe` takes as long as a check of all rows.
COLUMNS_QUERY = f"""
    create or replace table {FOUND_COLUMNS} as
    select table_name, column_name, data_type, column_index from duckdb_columns() where schema_name = 'main'
"""
VIOLATED_QUERY = f"create or replace table {VIOLATED} (table_name varchar, check_name varchar)"
NOTHING_VIOLATED = rows_check(VIOLATED, "nothing_is_violated", f"select * from {VIOLATED}")


def together(table: str, checks: Sequence[Check]) -> str:
    """A statement that adds a row to VIOLATED for every check of a table that does not hold."""
    queries = [
        f"select {_text(table)}, {_text(check.name)} where exists (\n{violations(check)}\n)"
        for check in checks
    ]
    return f"insert into {VIOLATED} " + " union all ".join(queries)


def violations(check: Check) -> str:
    """The query for the rows that violate a check, also where it is no query for Great Expectations.

    ValueError for an expectation that is not known here.
    """
    table, arguments = check.table.split(".")[1], check.arguments
    if check.expectation == "UnexpectedRowsExpectation":
        return str(arguments["unexpected_rows_query"]).format(batch="")
    if check.expectation == "ExpectTableColumnsToMatchOrderedList":
        names = ", ".join(_text(name) for name in arguments["column_list"])
        found = f"select list(column_name order by column_index) from {FOUND_COLUMNS}"
        return f"select 1 where ({found} where table_name = {_text(table)}) is distinct from [{names}]"
    if check.expectation == "ExpectColumnValuesToBeInSet":
        if arguments["value_set"] == BUSINESS_DATES:
            return f"select 1 from {table} where business_date <> getvariable('business_date')"
        values = ", ".join(_text(value) for value in arguments["value_set"])
        return f'select 1 from {table} where "{arguments["column"]}" not in ({values})'
    raise ValueError(f"{check.expectation} has no query for the rows that violate it")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
