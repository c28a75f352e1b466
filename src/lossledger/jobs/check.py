"""Check: Great Expectations on the staged date; a failed check leaves it unpublished."""

from datetime import date, timedelta
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from lossledger.engine.clock import day_of
from lossledger.engine.errors import DataError
from lossledger.expectations.check import BREAKS, FAIL, UNDETERMINED, CheckResult, finding, suite_sha256
from lossledger.jobs.day import Day
from lossledger.jobs.publish import published_hashes, table_hashes
from lossledger.jobs.terminal import warn
from lossledger.schemas.attribution import (
    ACCOUNT_DAILY,
    INSURANCE_FUND_DAILY,
    NEGATIVE_BALANCES,
    RECEIVABLES_DAILY,
    SOCIALISED_LOSSES,
    TAKEOVER_INVENTORY,
)
from lossledger.schemas.attribution import TABLES as ATTRIBUTION
from lossledger.schemas.ledger import TYPED
from lossledger.schemas.ops import DQ_RESULTS
from lossledger.store.arrow import to_arrow, to_rows
from lossledger.store.data_files import files_of
from lossledger.store.duck import limit, select_files, spread
from lossledger.store.places import Copies, open_parquet

_TIME = pa.timestamp("us", tz="UTC")
_MONEY = pa.decimal128(38, 18)
IN_MEMORY = 1 << 21  # rows of a date that are read once into memory for all checks
ONE_DAY = timedelta(days=1)
# What a date must agree with of the day before.
CARRIED_ON = (INSURANCE_FUND_DAILY, ACCOUNT_DAILY, RECEIVABLES_DAILY, SOCIALISED_LOSSES, TAKEOVER_INVENTORY)


def check_day(day: Day, run_id: str) -> None:
    """Write a row per check to ops.dq_results. DataError when one that must hold does not."""
    from lossledger.expectations.run import checker

    ready = checker()
    limit(ready.connection, day.staging.spill)
    rows = sum(day.staging.rows(table) for table in ATTRIBUTION)
    spread(ready.connection, rows)
    with Copies() as copies:
        results = ready.run(tables_to_check(day, copies), day.day, copied=rows <= IN_MEMORY)
    failed = [result for result in results if not result.success and result.check.severity == FAIL]
    if failed or not is_published(day):
        _write_results(day, result_rows(results, day.day, run_id), run_id)
    if failed:
        raise DataError(_message(day.day, failed))
    untold = (BREAKS, UNDETERMINED) if day.scenario else (BREAKS,)
    for result in results:
        if not result.success and result.check.name not in untold:
            warn(f"{day.day}: {finding(result.check.table, result.check.name, result.unexpected_count)}")


def _write_results(day: Day, rows: pa.Table, run_id: str) -> None:
    """The results of this run, beside those of the run that published what is still in sight."""
    published = day.published.get(day.day)
    if published and published.run_id != run_id:
        before = day.warehouse.read(DQ_RESULTS, day.day)
        rows = pa.concat_tables([before.filter(pc.field("run_id") == published.run_id), rows])
    day.warehouse.replace_day(DQ_RESULTS, rows, day.day)


def tables_to_check(day: Day, copies: Copies) -> dict[str, pa.Table | str]:
    """What the suites refer to, by the names that they use: the staged date and what it must agree with.

    As long as `copies` is open.

    What grows with accounts is a query over files, read as they are: whether they have the declared types is
    what the suite is to find out.
    """
    staging = day.staging
    tables: dict[str, pa.Table | str] = {
        table.name: select_files(copies.of(staging.paths(table)), table, day.day) for table in ATTRIBUTION
    }
    for table in CARRIED_ON:
        before = copies.of(day.files_before(table))
        tables[f"previous_{table.name}"] = select_files(before, table, day.day - ONE_DAY)
    accounts = copies.of(files_of(day.warehouse, TYPED["accounts"], None))
    known = select_files(accounts, TYPED["accounts"])
    tables["accounts"] = f"select distinct account_id, account_type from ({known})"
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
    tables["fund_floors"] = _fund_floors(day)
    compared = day.policy.at(day.end - 1).compared_rules
    tables["compared_rules"] = pa.table({"rule": pa.array(compared, pa.string())})
    tables["transfers"] = _transfers(day)
    return tables


def _drawn_at(day: Day) -> int | None:
    """When the fund pays for all events of the session; None: for each at its own time (rules.md section 10)."""
    return day.end - 1 if day.policy.at(day.end - 1).fund_draws == "at_session_end" else None


def _fund_floors(day: Day) -> pa.Table:
    """The floor, and the rule of draws, in force when each negative-balance event draws."""
    drawn_at = _drawn_at(day)
    times = set()
    for path in day.staging.paths(NEGATIVE_BALANCES):
        for batch in open_parquet(path).iter_batches(columns=["currency", "ts"]):
            found = pa.Table.from_batches([batch]).group_by(["currency", "ts"]).aggregate([])
            moments = pc.cast(found.column("ts"), pa.int64()).to_pylist()
            times |= set(zip(found.column("currency").to_pylist(), moments, strict=True))
    drawn = sorted({(currency, ts if drawn_at is None else drawn_at) for currency, ts in times})
    terms = [day.policy.at(ts) for _, ts in drawn]
    floors = [
        Decimal(f"{then.fund_floor.get(currency, 0)}e-18")
        for (currency, _), then in zip(drawn, terms, strict=True)
    ]
    return pa.table(
        {
            "currency": pa.array([currency for currency, _ in drawn], pa.string()),
            "ts": pa.array([ts for _, ts in drawn], _TIME),
            "fund_floor": pa.array(floors, _MONEY),
            "draw_rule": pa.array([then.fund_draw_rule for then in terms], pa.string()),
        }
    )


def _transfers(day: Day) -> pa.Table:
    """The session's delivered transfers of accounts that fell below zero, which are few."""
    below: set[str] = set()
    for piece in day.staging.pieces(NEGATIVE_BALANCES):
        below |= set(piece.column("account_id").unique().to_pylist())
    wanted = pc.field("account_id").isin(pa.array(sorted(below), pa.string()))
    wanted &= pc.field("ts") < pa.scalar(day.end, _TIME)
    wanted &= pc.field("event_date") <= pa.scalar(day.last_folder)
    if not day.first:
        wanted &= pc.field("ts") >= pa.scalar(day.session_start, _TIME)
        wanted &= pc.field("event_date") >= pa.scalar(day_of(day.session_start))
    columns = ["account_id", "currency", "isolation", "ts", "amount"]
    return day.warehouse.find(TYPED["transfers"], wanted, columns)


def result_rows(results: list[CheckResult], day: date, run_id: str) -> pa.Table:
    """Rows of ops.dq_results."""
    from lossledger.expectations.suites import published_suites

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


def is_published(day: Day) -> bool:
    """Whether just these rows are published already: then the results of that run stand."""
    published = day.published.get(day.day)
    if published is None:
        return False
    return published_hashes(day, published) == table_hashes(day)


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
        f"ops.dq_results has examples of the rows, the page Checks says what the check means"
    )
