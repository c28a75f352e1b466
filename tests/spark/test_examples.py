"""The examples of Spark SQL see what is published, date by date, and nothing that a dead run left."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

import lossledger.jobs.publish
from examples.spark_sql import TABLES, register_published
from lossledger.schemas import attribution
from lossledger.store.warehouse import Warehouse
from tests.builders import D9, D10, add_rows, run_dates, small_landing

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

CHARGED = """
    SELECT business_date, account_id, charge, transfers
    FROM socialised_losses
    JOIN account_daily USING (business_date, account_id)
    JOIN published_days USING (business_date)
"""


def die(*_: object) -> None:
    raise KeyboardInterrupt


def test_sql_sees_published_versions_only(spark: "SparkSession", tmp_path: Path) -> None:
    """A run died before its commit: the tables hold its rows, and the query none of them."""
    landing, warehouse = small_landing(tmp_path / "landing"), tmp_path / "warehouse"
    run_dates(landing, warehouse, D9, D10)
    add_rows(landing, "transfers", "t9 | 2025-10-09T08:00:01Z | a | USD | | 1 | deposit", D9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lossledger.jobs.publish, "_commit", die)
        with pytest.raises(KeyboardInterrupt):
            run_dates(landing, warehouse, D9, D10)
    newest = (
        DeltaTable(str(Warehouse(warehouse).path(attribution.ACCOUNT_DAILY))).to_pyarrow_table().to_pylist()
    )
    left = [row["transfers"] for row in newest if (row["business_date"], row["account_id"]) == (D9, "a")]
    assert left == [101]
    tables = ("account_daily", "socialised_losses")
    assert register_published(spark, str(warehouse), tables, first=D9, last=D10) == [D9, D10]
    seen = spark.sql(f"SELECT transfers FROM account_daily WHERE account_id = 'a' AND business_date = '{D9}'")
    assert [row.transfers for row in seen.collect()] == [100]
    assert [tuple(row) for row in spark.sql(CHARGED).collect()] == [(D10, "b", 20, 0)]


def test_every_published_table_has_a_view() -> None:
    assert set(TABLES) == {table.name for table in attribution.TABLES}
