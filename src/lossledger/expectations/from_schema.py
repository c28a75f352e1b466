"""From a declared table to its checks: columns, types, filled values, closed sets, keys, date, whole units."""

from lossledger.expectations.check import Check, rows_check
from lossledger.expectations.finer import FINER
from lossledger.schemas.core import Table, Type

# A suite parameter: the business date is known when the suite runs, and is no part of what is checked.
BUSINESS_DATES = {"$PARAMETER": "business_dates"}
FOUND_COLUMNS = "found_columns"  # the table that says which columns there are
DUCKDB_TYPES = {
    Type.TEXT: "VARCHAR",
    Type.DATE: "DATE",
    Type.TIME: "TIMESTAMP WITH TIME ZONE",
    Type.DECIMAL: "DECIMAL(38,18)",
    Type.UNITS: "DECIMAL(38,0)",
    Type.INTEGER: "BIGINT",
    Type.BOOLEAN: "BOOLEAN",
}


def structural_checks(table: Table) -> list[Check]:
    """All that a declaration says about the rows of one date."""
    name = table.full_name
    checks = [
        Check(
            name,
            "columns_in_order",
            "ExpectTableColumnsToMatchOrderedList",
            {"column_list": [c.name for c in table.columns]},
        ),
        rows_check(name, "column_types", _wrong_types(table)),
        rows_check(name, "required_values", _missing_values(table)),
        rows_check(name, "unique_key", _duplicates(table)),
        Check(
            name,
            "business_date",
            "ExpectColumnValuesToBeInSet",
            {"column": "business_date", "value_set": BUSINESS_DATES},
        ),
    ]
    checks += [
        Check(
            name,
            f"values_of_{column.name}",
            "ExpectColumnValuesToBeInSet",
            {"column": column.name, "value_set": list(column.values)},
        )
        for column in table.columns
        if column.values
    ]
    if any(c.unit == "currency" for c in table.columns) and any(c.name == "currency" for c in table.columns):
        checks.append(rows_check(name, "whole_ledger_units", _fractions(table)))
    return checks


def _wrong_types(table: Table) -> str:
    expected = ", ".join(f"('{c.name}', '{DUCKDB_TYPES[c.type]}')" for c in table.columns)
    return (
        f"select * from (values {expected}) as expected(column_name, data_type) "
        f"anti join (select column_name, data_type from {FOUND_COLUMNS} where table_name = '{table.name}') "
        "as found using (column_name, data_type)"
    )


def _missing_values(table: Table) -> str:
    missing = " or ".join(f'"{c.name}" is null' for c in table.columns if not c.nullable)
    return f"select * from {table.name} where {missing}"


def _duplicates(table: Table) -> str:
    """A null in a key is a value like any other: two rows that are both without an instrument are the same."""
    key = ", ".join(f'"{k}"' for k in table.key)
    return f"select {key}, count(*) as rows from {table.name} group by {key} having count(*) > 1"


def _fractions(table: Table) -> str:
    amounts = ", ".join(f'found."{c.name}"' for c in table.columns if c.unit == "currency")
    finer = f"{FINER}([{amounts}], ledger_unit)"
    return f"select found.* from {table.name} as found join currencies using (currency) where {finer}"
