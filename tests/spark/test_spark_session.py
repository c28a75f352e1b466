"""The session behaves the same on every machine and keeps quiet."""

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lossledger.jobs.spark.session import spark_conf, spark_session

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


def test_process_has_one_session(spark: "SparkSession") -> None:
    assert spark_session() is spark


def test_timestamps_are_utc(spark: "SparkSession") -> None:
    row = spark.sql(
        "SELECT unix_micros(TIMESTAMP '2025-10-10 00:00:00') AS us, "
        "java_method('java.lang.System', 'getProperty', 'user.timezone') AS jvm_zone"
    ).first()
    assert row is not None
    assert (row.us, row.jvm_zone) == (1_760_054_400_000_000, "UTC")


def test_workers_run_this_interpreter(spark: "SparkSession") -> None:
    assert spark.sparkContext.parallelize([0], 1).map(lambda _: sys.executable).collect() == [sys.executable]


def test_workers_read_no_archive_before_a_task(spark: "SparkSession") -> None:
    """Python reads an archive on its path anew whenever it looks for new modules, as a worker does each time."""

    def archives(_: int) -> list[str]:
        return [place for place in (*sys.path, *sys.path_importer_cache) if "pyspark.zip" in place]

    assert spark.sparkContext.parallelize([0], 1).map(archives).collect() == [[]]


def test_delta_day_is_replaced_even_by_nothing_and_the_past_stays(
    spark: "SparkSession", tmp_path: Path
) -> None:
    table = str(tmp_path / "table")
    schema = "business_date string, units long"
    days = [("2025-10-09", 1), ("2025-10-10", 2)]
    spark.createDataFrame(days, schema).write.format("delta").partitionBy("business_date").save(table)
    (
        spark.createDataFrame([], schema)
        .write.format("delta")
        .mode("overwrite")
        .option("replaceWhere", "business_date = '2025-10-09'")
        .save(table)
    )
    assert [tuple(row) for row in spark.read.format("delta").load(table).collect()] == days[1:]
    past = spark.read.format("delta").option("versionAsOf", 0).load(table)
    assert sorted(tuple(row) for row in past.collect()) == days


def test_cluster_is_named_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert spark_conf(cores=2)["spark.master"] == "local[2]"
    monkeypatch.setenv("SPARK_MASTER", "spark://cluster:7077")
    conf = spark_conf(cores=2)
    assert conf["spark.master"] == "spark://cluster:7077"
    assert "spark.driver.bindAddress" not in conf  # executors must reach the driver


@pytest.mark.slow
def test_a_run_and_a_failed_query_leave_stderr_empty(tmp_path: Path) -> None:
    code = (
        "from lossledger.jobs.spark.session import spark_session\n"
        "spark = spark_session(1)\n"
        "print(spark.range(3).count())\n"
        "try: spark.sparkContext.parallelize([0], 1).map(lambda n: 1 / n).collect()\n"
        "except Exception as error: print(type(error).__name__)\n"
        "try: spark.sql('SELECT 1 / 0').collect()\n"
        "except Exception as error: print(type(error).__name__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert (done.stdout.splitlines(), done.stderr) == (["3", "Py4JJavaError", "ArithmeticException"], "")
    assert list(tmp_path.iterdir()) == []  # no metastore, no warehouse folder
