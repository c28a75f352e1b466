"""On Spark as in one process: the same cases, exact to the last unit, for every number of partitions."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lossledger.jobs.spark.mapper import OnSpark
from tests.cases import differences, run_case, run_day_by_day

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_case_on_spark(spark: "SparkSession", tmp_path: Path) -> None:
    run_case("edges_takeover_simulated", tmp_path, OnSpark(2, much=0))
    assert differences("edges_takeover_simulated", tmp_path) == {}


def test_case_on_spark_day_by_day(spark: "SparkSession", tmp_path: Path) -> None:
    run_day_by_day("edges", tmp_path, OnSpark(7, much=0))
    assert differences("edges", tmp_path) == {}
