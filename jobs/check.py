"""Check: Great Expectations on the staged date; a failed check leaves it unpublished."""

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from engine.clock import day_of
from engine.errors import DataError
from expectations.check import BREAKS, FAIL, CheckResult, finding, suite_sha256
from jobs.day import Day
from jobs.terminal import warn
from schemas.attribution import (
    ACCOUNT_DAILY,
    INSURANCE_FUND_DAILY,
    NEGATIVE_BALANCES,
    RECEIVABLES_DAILY,
    SOCIALISED_LOSSES,
)
from schemas.attribution import TABLES as ATTRIBUTION
from schemas.core import Table
from schemas.ledger import TYPED
from schemas.ops import DQ_RESULTS
from schemas.registry import CARRIED, PUBLISHED
from store.arrow import to_arrow, to_rows
from store.warehouse import content_hash

_TIME = pa.timestamp("us", tz="UTC")
_MONEY = pa.decimal128(38, 18)


def check_day(day: Day, run_id: str) -> None:
    """Write a row per check to ops.dq_results. DataError when one that must hold does not."""
    from expectations.run import checker

    results = checker().run(tables_to_check(day), day.day)
    failed = [result for result in results if not result.success and result.check.severity == FAIL]
    if failed or not _is_published(day):
        _write_results(day, result_rows(results, day.day, run_id), run_id)
    if failed:
        raise DataError(_message(day.day, failed))
    for result in results:
        if not result.success and result.check.name != BREAKS:
            warn(f"{day.day}: {finding(result.check.table, result.check.name, result.unexpected_count)}")


def _write_results(day: Day, rows: pa.Table, run_id: str) -> None:
    """The results of this run, beside those of the run that published what is still in sight."""
    published = day.published.get(day.day)
    if published and published.run_id != run_id:
        before = day.warehouse.read(DQ_RESULTS, day.day)
        rows = pa.concat_tables([before.filter(pc.field("run_id") == published.run_id), rows])
    day.warehouse.replace_day(DQ_RESULTS, rows, day.day)


def tables_to_check(day: Day) -> dict[str, pa.Table]:
    """What the suites refer to, by the names that they use: the staged date and what it must agree with."""
    tables = {table.name: _as_written(day, table) for table in ATTRIBUTION}
    for table in (INSURANCE_FUND_DAILY, ACCOUNT_DAILY, RECEIVABLES_DAILY, SOCIALISED_LOSSES):
        tables[f"previous_{table.name}"] = day.before(table)
    accounts = day.warehouse.read(TYPED["accounts"]).select(["account_id", "account_type"])
    tables["accounts"] = accounts.group_by(["account_id", "account_type"]).aggregate([])
    scales = to_rows(TYPED["currencies"], day.warehouse.read(TYPED["currencies"]), ("currency", "scale"))
    tables["currencies"] = pa.table(
        {
            "currency": pa.array([currency for currency, _ in scales], pa.string()),
            "ledger_unit": pa.array([Decimal(f"1e-{scale}") for _, scale in scales], _MONEY),
        }
    )
    tables["session"] = pa.table(
        {
            "session_start": pa.array([day.session_start], _TIME),
            "session_end": pa.array([day.end], _TIME),
            "first_date": pa.array([day.first]),
            "drawn_at": pa.array([_drawn_at(day)], _TIME),
        }
    )
    tables["fund_floors"] = _fund_floors(day, tables[NEGATIVE_BALANCES.name])
    compared = day.policy.at(day.end - 1).compared_rules
    tables["compared_rules"] = pa.table({"rule": pa.array(compared, pa.string())})
    tables["transfers"] = _transfers(day, tables[NEGATIVE_BALANCES.name])
    return tables


def _as_written(day: Day, table: Table) -> pa.Table:
    """Not in the declared types: whether it has them is what the suite is to find out."""
    path = day.staged(table.name)
    return pq.ParquetFile(path).read() if path.exists() else day.read_staged(table)


def _drawn_at(day: Day) -> int | None:
    """When the fund pays for all events of the session; None: for each at its own time (rules.md section 10)."""
    return day.end - 1 if day.policy.at(day.end - 1).fund_draws == "at_session_end" else None


def _fund_floors(day: Day, events: pa.Table) -> pa.Table:
    """The floor in force when each negative-balance event draws."""
    events = events.select(["currency", "ts"])
    if (drawn_at := _drawn_at(day)) is not None:
        events = events.set_column(1, "ts", pa.array([drawn_at] * events.num_rows, _TIME))
    found = events.group_by(["currency", "ts"]).aggregate([])
    floors = [
        Decimal(f"{day.policy.at(ts).fund_floor.get(currency, 0)}e-18")
        for currency, ts in zip(
            found.column("currency").to_pylist(),
            pc.cast(found.column("ts"), pa.int64()).to_pylist(),
            strict=True,
        )
    ]
    return found.append_column("fund_floor", pa.array(floors, _MONEY))


def _transfers(day: Day, events: pa.Table) -> pa.Table:
    """The session's delivered transfers of accounts that fell below zero, which are few."""
    wanted = pc.field("account_id").isin(events.column("account_id").unique())
    wanted &= pc.field("ts") < pa.scalar(day.end, _TIME)
    wanted &= pc.field("event_date") <= pa.scalar(day.last_folder)
    if not day.first:
        wanted &= pc.field("ts") >= pa.scalar(day.session_start, _TIME)
        wanted &= pc.field("event_date") >= pa.scalar(day_of(day.session_start))
    columns = ["account_id", "currency", "isolation", "ts", "amount"]
    return day.warehouse.find(TYPED["transfers"], wanted, columns)


def result_rows(results: list[CheckResult], day: date, run_id: str) -> pa.Table:
    """Rows of ops.dq_results."""
    from expectations.suites import published_suites

    hashes = {table: suite_sha256(checks) for table, checks in published_suites().items()}
    rows = [
        {
            "table_name": result.check.table,
            "expectation": result.check.name,
            "severity": result.check.severity,
            "success": result.success,
            "unexpected_count": result.unexpected_count,
            "examples": result.examples,
            "suite_sha256": hashes[result.check.table],
        }
        for result in results
    ]
    return to_arrow(DQ_RESULTS, rows, business_date=day, run_id=run_id)


def _is_published(day: Day) -> bool:
    """Whether just these rows are published already: then the results of that run stand."""
    published = day.published.get(day.day)
    if published is None:
        return False
    staged = [(t, day.read_staged(t)) for t in (*PUBLISHED.values(), *CARRIED.values())]
    return published.output_sha256 == content_hash(staged)


def _message(day: date, failed: list[CheckResult]) -> str:
    first = failed[0]
    what = (
        f"{first.unexpected_count} row{'s violate' if first.unexpected_count != 1 else ' violates'} it"
        if first.unexpected_count
        else "it could not be evaluated"
    )
    more = f"; {len(failed) - 1} more checks failed" if len(failed) > 1 else ""
    return (
        f"{day} was not published: {first.check.table} fails {first.check.name}: {what}{more}. "
        f"ops.dq_results has examples of the rows, docs/checks.md says what the check means"
    )
