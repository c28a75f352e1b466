"""What a declaration says of a table, found when it is not so."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache

import pyarrow as pa
import pytest

from lossledger.expectations.check import Check, CheckResult, rows_check, suite_sha256
from lossledger.expectations.from_schema import structural_checks
from lossledger.expectations.run import Checker
from lossledger.schemas.attribution import INSURANCE_FUND_DAILY, LOSS_COMPONENTS_TABLE
from lossledger.schemas.attribution import TABLES as ATTRIBUTION
from lossledger.schemas.core import Table, Type
from tests.expectations.day import DAY, Spoil, add, change, good_day, to_tables

FUND, CAUSES = INSURANCE_FUND_DAILY, LOSS_COMPONENTS_TABLE


@cache
def checker_of(table: Table) -> Checker:
    return Checker({table.full_name: structural_checks(table)})


def failed_checks(table: Table, tables: dict[str, pa.Table]) -> dict[str, CheckResult]:
    return {r.check.name: r for r in checker_of(table).run(tables, DAY) if not r.success}


def spoiled(table: Table, spoil: Spoil) -> dict[str, CheckResult]:
    """What fails when some rows are other ones."""
    rows = good_day()
    spoil(rows)
    return failed_checks(table, to_tables({name: rows[name] for name in (table.name, "currencies")}))


def reshaped(change_table: Callable[[pa.Table], pa.Table]) -> dict[str, CheckResult]:
    """What fails when the fund's table as a whole is another one."""
    tables = to_tables({name: good_day()[name] for name in (FUND.name, "currencies")})
    return failed_checks(FUND, tables | {FUND.name: change_table(tables[FUND.name])})


def test_a_missing_column_is_named() -> None:
    failed = reshaped(lambda data: data.drop_columns(["lowest"]))
    assert set(failed) == {"columns_in_order", "column_types", "required_values", "whole_ledger_units"}
    assert json.loads(failed["column_types"].examples) == [
        {"column_name": "lowest", "data_type": "DECIMAL(38,18)"}
    ]
    assert failed["required_values"].unexpected_count == 0, "it could not be evaluated"
    assert 'column "lowest" not found' in json.loads(failed["required_values"].examples)[0]


@pytest.mark.parametrize(
    "change_table",
    [
        lambda data: data.select(list(reversed(data.column_names))),
        lambda data: data.append_column("more", data.column("closing")),
        lambda data: data.rename_columns([*data.column_names[:-1], "draws_count"]),
    ],
    ids=["another order", "one more", "another name"],
)
def test_columns_are_the_declared_ones_in_order(change_table: Callable[[pa.Table], pa.Table]) -> None:
    failed = reshaped(change_table)["columns_in_order"]
    assert failed.unexpected_count > 0
    assert json.loads(failed.examples)


@pytest.mark.parametrize(("column", "kind"), [("closing", pa.float64()), ("draw_count", pa.int32())])
def test_an_amount_is_never_a_float(column: str, kind: pa.DataType) -> None:
    def cast(data: pa.Table) -> pa.Table:
        at = data.column_names.index(column)
        return data.set_column(at, column, data.column(column).cast(kind, safe=False))

    failed = reshaped(cast)
    assert "columns_in_order" not in failed
    assert [row["column_name"] for row in json.loads(failed["column_types"].examples)] == [column]


@pytest.mark.parametrize("column", ["closing", "currency"])
def test_a_required_value_is_there(column: str) -> None:
    failed = spoiled(FUND, change("insurance_fund_daily", "EUR", **{column: None}))
    assert failed["required_values"].unexpected_count == 1


def test_a_key_is_there_once() -> None:
    failed = spoiled(FUND, add("insurance_fund_daily", currency="USD"))
    assert json.loads(failed["unique_key"].examples) == [
        {"business_date": "2025-10-10", "currency": "USD", "rows": 2}
    ]


def test_two_nulls_in_a_key_are_the_same() -> None:
    again = add("loss_components", episode_id="L-eve", component="cushion", instrument_id=None, amount=1)
    assert set(spoiled(CAUSES, again)) == {"unique_key"}


def test_rows_are_of_the_date() -> None:
    def next_day(data: pa.Table) -> pa.Table:
        return data.set_column(0, "business_date", pa.array([DAY, DAY.replace(day=11)]))

    failed = reshaped(next_day)
    assert set(failed) == {"business_date"}
    assert failed["business_date"].unexpected_count == 1
    assert json.loads(failed["business_date"].examples) == ["2025-10-11"]


def test_a_closed_set_has_no_other_value() -> None:
    failed = spoiled(CAUSES, change("loss_components", {"component": "fees"}, component="luck"))
    assert set(failed) == {"values_of_component"}
    assert json.loads(failed["values_of_component"].examples) == ["luck"]


@pytest.mark.parametrize(
    ("amount", "failing"), [("0.01", False), ("0.010000000000000001", True), ("0.001", True)]
)
def test_no_amount_is_finer_than_the_ledger_unit(amount: str, failing: bool) -> None:
    failed = spoiled(FUND, change("insurance_fund_daily", "EUR", closing=amount))
    assert set(failed) == ({"whole_ledger_units"} if failing else set())


def test_an_empty_table_holds() -> None:
    assert reshaped(lambda data: data.slice(0, 0)) == {}


@pytest.mark.parametrize("table", ATTRIBUTION, ids=lambda table: table.name)
def test_no_check_compares_money_with_a_number(table: Table) -> None:
    """A numeric bound of an expectation is a binary float; a query compares decimals."""
    money = {c.name for c in table.columns if c.type is Type.DECIMAL}
    named = {c.arguments.get("column") for c in structural_checks(table)}
    assert not money & named


def test_the_hash_changes_with_what_is_checked_and_with_nothing_else() -> None:
    one, other = rows_check("a.b", "n", "select 1"), rows_check("a.b", "n", "select 2")
    assert suite_sha256([one]) == suite_sha256([rows_check("a.b", "n", "select 1")])
    assert len({suite_sha256([one]), suite_sha256([other]), suite_sha256([one, other])}) == 3


def test_a_query_may_hold_braces_and_percent_signs() -> None:
    check = rows_check("a.t", "braces", "select * from t where text like '%{batch}%'")
    tables = {"t": pa.table({"text": ["a {batch} b", "ab"]})}
    (result,) = Checker({"a.t": [check]}).run(tables, DAY)
    assert (result.unexpected_count, json.loads(result.examples)) == (1, [{"text": "a {batch} b"}])


@pytest.mark.parametrize(
    "check",
    [
        rows_check("a.t", "rows", "select * from t where text = 'no'"),
        Check("a.t", "set", "ExpectColumnValuesToBeInSet", {"column": "text", "value_set": ["yes"]}),
    ],
    ids=lambda check: check.name,
)
def test_every_row_that_violates_is_counted(check: Check) -> None:
    """Also where Great Expectations lists no more than twenty, or two hundred, of them."""
    tables = {"t": pa.table({"text": ["no"] * 1001 + ["yes"]})}
    (result,) = Checker({"a.t": [check]}).run(tables, DAY)
    assert result.unexpected_count == 1001


def test_a_sum_that_overflows_fails_and_says_so() -> None:
    check = rows_check("a.t", "total", "select sum(amount) as total from t having sum(amount) = 0")
    amounts = pa.array([10**19 * 9] * 2, pa.decimal128(38, 0)).cast(pa.decimal128(38, 18))
    (result,) = Checker({"a.t": [check]}).run({"t": pa.table({"amount": amounts})}, DAY)
    assert not result.success
    assert "verflow" in result.examples
