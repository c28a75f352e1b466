"""Spark SQL over the published dates, by the names of the tables: `SELECT … FROM insurance_fund_daily`.

Readers see what is published and nothing else: for each date, the rows of the version that `ops.published_days`
names. What a run that died has left in a table, or what a night is just writing, is in none of them.

From the checkout, on this machine or on the cluster that SPARK_MASTER names:

    .venv/bin/python -m examples.spark_sql demo/warehouse "SELECT business_date, closing FROM insurance_fund_daily"
"""

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import reduce
from typing import Any

TABLES = (
    "liquidations",
    "liquidation_positions",
    "loss_components",
    "negative_balances",
    "insurance_fund_ledger",
    "insurance_fund_daily",
    "session_losses",
    "socialised_losses",
    "takeover_inventory",
    "takeovers",
    "adl_losses",
    "account_daily",
    "positions_daily",
    "receivables_daily",
    "protection_daily",
    "reconciliation",
    "rule_comparison",
    "rule_totals",
)


def register_published(
    spark: Any,
    warehouse: str,
    tables: Iterable[str] = TABLES,
    first: date | None = None,
    last: date | None = None,
) -> list[date]:
    """Make a temporary view of the tables, and of `published_days`; the dates that they show.

    `warehouse`: a folder or an address that Spark reads, such as s3a://bucket/prefix. Every date has a version of
    its own, which Delta opens apart: name the tables that you need, and with `first` and `last` the dates.
    """
    days = spark.read.format("delta").load(f"{warehouse}/ops/published_days")
    if first:
        days = days.where(days.business_date >= first)
    if last:
        days = days.where(days.business_date <= last)
    days.createOrReplaceTempView("published_days")
    versions = {row.business_date: json.loads(row.table_versions) for row in days.collect()}
    for name in tables:
        dates = defaultdict(list)
        for day in sorted(versions):
            dates[versions[day][f"attribution.{name}"]].append(day)
        path = f"{warehouse}/attribution/{name}"
        pinned = [
            _at_version(spark, path, version).where(_is_one_of(some)) for version, some in dates.items()
        ]
        if not pinned:
            pinned = [spark.read.format("delta").load(path).where("false")]
        reduce(lambda a, b: a.unionByName(b), pinned).createOrReplaceTempView(name)
    return sorted(versions)


def _at_version(spark: Any, path: str, version: int) -> Any:
    return spark.read.format("delta").option("versionAsOf", version).load(path)


def _is_one_of(days: list[date]) -> str:
    dates = ", ".join(f"DATE'{day}'" for day in days)
    return f"business_date IN ({dates})"


def main(warehouse: str, query: str) -> None:
    """Show what the query finds."""
    from lossledger.jobs.spark.session import spark_session

    spark = spark_session()
    register_published(spark, warehouse, [name for name in TABLES if name in query])
    spark.sql(query).show(100, truncate=False)
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
