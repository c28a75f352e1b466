"""Runs suites with Great Expectations on tables in memory: SQL on exact decimals in DuckDB, no Spark.

Great Expectations is imported only when something is checked: it takes seconds.
"""

import json
import os
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from typing import Any

import duckdb
import pyarrow as pa

from lossledger.expectations import finer
from lossledger.expectations.check import FAIL, Check, CheckResult
from lossledger.expectations.library import great_expectations
from lossledger.expectations.together import (
    COLUMNS_QUERY,
    NOTHING_VIOLATED,
    VIOLATED,
    VIOLATED_QUERY,
    together,
)

EXAMPLES = 5


class Checker:
    """Suites made ready once; `run` may be called for any number of dates.

    A date on which all is well is the rule, so it is asked first whether anything is not: the checks of a table
    are one query for the names of those that do not hold, and one expectation says that there are none. What it
    finds, and every check of a table whose query could not be evaluated, is asked by itself.
    """

    def __init__(self, suites: Mapping[str, Sequence[Check]]) -> None:
        os.environ["GX_ANALYTICS_ENABLED"] = "false"  # before the import: no usage statistics leave a run
        gx = great_expectations()
        self.suites = suites
        context = gx.get_context(mode="ephemeral")
        variables: Any = context.variables  # it says that it takes a number, and asks for a map
        variables.progress_bars = {"globally": False}
        # A database of this checker's own: the name keeps it apart from any other in the process.
        self._source = context.data_sources.add_sql(
            "checks", connection_string=f"duckdb:///:memory:checks{id(self)}", create_temp_table=False
        )
        self.connection = _connect(self._source.get_execution_engine().engine)
        self._suite_of, self._expectations = gx.ExpectationSuite, gx.expectations
        self._together = {table: together(table, checks) for table, checks in suites.items()}
        everything = self._source.add_query_asset("everything", query="select 1 as one")
        self._everything = everything.add_batch_definition_whole_table("date")
        self._batches: dict[str, Any] = {}

    def run(self, tables: Mapping[str, pa.Table | str], day: date, copied: bool = False) -> list[CheckResult]:
        """Check the tables of a date, by short name; those that the rules refer to beside them are in it too.

        A table is rows in memory, or the text of a query that reads them where they are; `copied`: they are so few
        that reading them once into memory is quicker.
        """
        kinds = {
            name: "view" if isinstance(data, str) and not copied else "table" for name, data in tables.items()
        }
        for name, data in tables.items():
            query = data if isinstance(data, str) else "select * from arriving"
            if not isinstance(data, str):
                self.connection.register("arriving", data)
            self.connection.execute(f'create or replace {kinds[name]} "{name}" as {query}')
            if not isinstance(data, str):
                self.connection.unregister("arriving")
        try:
            return self._run_all(day)
        finally:
            for name, kind in kinds.items():
                self.connection.execute(f'drop {kind} "{name}"')

    def _run_all(self, day: date) -> list[CheckResult]:
        self.connection.execute(f"set variable business_date = date '{day.isoformat()}'")
        self.connection.execute(COLUMNS_QUERY)
        self.connection.execute(VIOLATED_QUERY)
        for table, query in self._together.items():
            self._find(table, query)
        if self._validate(self._everything, [NOTHING_VIOLATED], day)[NOTHING_VIOLATED.name].success:
            violated: set[tuple[str, str]] = set()
        else:
            violated = set(self.connection.execute(f"select * from {VIOLATED}").fetchall())
        results = []
        for table, checks in self.suites.items():
            asked = self._ask(table, [check for check in checks if (table, check.name) in violated], day)
            for check in checks:
                if check.name in asked:
                    results.append(self._result(check, asked[check.name]))
                else:
                    results.append(CheckResult(check, True, 0, "[]"))
        return results

    def _find(self, table: str, query: str) -> None:
        """Note what does not hold of a table; everything, where the query cannot be evaluated."""
        try:
            self.connection.execute(query)
        except duckdb.Error:
            rows = [(table, check.name) for check in self.suites[table]]
            self.connection.executemany(f"insert into {VIOLATED} values (?, ?)", rows)

    def _ask(self, table: str, checks: Sequence[Check], day: date) -> dict[str, Any]:
        """Some checks of a table, each by itself."""
        if not checks:
            return {}
        if table not in self._batches:
            asset = self._source.add_table_asset(table, table_name=table.split(".")[1])
            self._batches[table] = asset.add_batch_definition_whole_table("date")
        return self._validate(self._batches[table], checks, day)

    def _validate(self, batch: Any, checks: Sequence[Check], day: date) -> dict[str, Any]:
        expectations = [_expectation(self._expectations, check) for check in checks]
        suite = self._suite_of(name=checks[0].table, expectations=expectations)
        found = batch.get_batch().validate(
            suite, result_format="BASIC", expectation_parameters={"business_dates": [day]}
        )
        return {result.expectation_config.meta["name"]: result for result in found.results}

    def _result(self, check: Check, found: Any) -> CheckResult:
        if found.success:
            return CheckResult(check, True, 0, "[]")
        if found.exception_info.get("raised_exception", True):
            return CheckResult(check, False, 0, _json([_reason(found.exception_info)]))
        result = found.result
        if query := check.arguments.get("unexpected_rows_query"):
            return CheckResult(check, False, result["observed_value"], _json(self._examples(query)))
        if "details" in result:
            mismatched = result["details"]["mismatched"]
            return CheckResult(check, False, len(mismatched), _json(mismatched[:EXAMPLES]))
        examples = result["partial_unexpected_list"][:EXAMPLES]
        return CheckResult(check, False, result["unexpected_count"], _json(examples))

    def _examples(self, query: str) -> list[dict[str, Any]]:
        """A few violating rows, read past Great Expectations, which would make floats of decimals."""
        sql = query.format(batch="")
        found = self.connection.execute(f"select * from ({sql}\n) order by all limit {EXAMPLES}")
        rows: list[dict[str, Any]] = found.to_arrow_table().to_pylist()
        return rows


def _connect(engine: Any) -> duckdb.DuckDBPyConnection:
    """The connection that Great Expectations will query through."""
    # DuckDB has no cursors apart from the connection: the rollback at the end of each query throws away the
    # rows that Great Expectations has yet to fetch. Checks only read, so they need no transaction.
    engine.dialect.do_begin = engine.dialect.do_rollback = lambda connection: None
    connection: duckdb.DuckDBPyConnection = engine.raw_connection().driver_connection
    connection.execute("set TimeZone = 'UTC'")
    finer.register(connection)
    return connection


def _expectation(gxe: Any, check: Check) -> Any:
    severity = "critical" if check.severity == FAIL else "warning"
    return getattr(gxe, check.expectation)(**check.arguments, severity=severity, meta={"name": check.name})


def _json(examples: Sequence[Any]) -> str:
    """Amounts and times as text: exact."""
    return json.dumps(examples, default=str, ensure_ascii=False)


def _reason(exception_info: Mapping[str, Any]) -> str:
    """The first line of what kept a check from being evaluated, such as a column that is not there."""
    info = exception_info if "exception_message" in exception_info else next(iter(exception_info.values()))
    return str(info["exception_message"]).strip().splitlines()[0]


@cache
def checker() -> Checker:
    """The published suites, ready: once a process."""
    from lossledger.expectations.suites import published_suites

    return Checker(published_suites())
