"""On Spark as in one process: the same cases, exact to the last unit, for every number of partitions."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jobs.spark.mapper import OnSpark
from tests.cases import differences, run_case, run_day_by_day

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.mark.parametrize(("name", "partitions"), [("edges_simulated", 2), ("recorded_profit", 7)])
def test_case_on_spark(spark: "SparkSession", name: str, partitions: int, tmp_path: Path) -> None:
    run_case(name, tmp_path, OnSpark(partitions, much=0))
    assert differences(name, tmp_path) == {}


def test_case_on_spark_day_by_day(spark: "SparkSession", tmp_path: Path) -> None:
    run_day_by_day("edges", tmp_path, OnSpark(2, much=0))
    assert differences("edges", tmp_path) == {}
