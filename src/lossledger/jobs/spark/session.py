"""The one Spark session of a process, and the only place that names a Spark setting."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

from lossledger.jobs.spark.jars import jar_paths
from lossledger.jobs.spark.java import require_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SECRET = "_SPARK_AUTH_SECRET"  # Spark's own name for the variable that its workers read
LOG_CONFIG = Path(__file__).with_name("log4j2.properties")


def spark_conf(cores: int | None = None) -> dict[str, str]:
    """Every setting of the session. `cores`: of this machine, all of them when None.

    SPARK_MASTER names a cluster instead, whose workers have the same image, or the same files in the same place;
    whatever else it needs comes from its `spark-defaults.conf`, as for any Spark program.
    """
    jvm_options = [
        "-Duser.timezone=UTC",  # java.util dates of the JVM itself; the session zone below rules SQL only
        f"-Dlog4j2.configurationFile={LOG_CONFIG.as_uri()}",
        os.environ.get("LOSSLEDGER_JVM_OPTIONS", ""),  # start-up flags of the tests
    ]
    parallelism = str(2 * (cores or os.cpu_count() or 1))
    return (
        {
            "spark.app.name": "lossledger",
            "spark.master": os.environ.get("SPARK_MASTER") or f"local[{cores or '*'}]",
            # Delta Lake from files that were fetched before: no run depends on a download.
            "spark.jars": ",".join(str(path) for path in jar_paths()),
            "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
            "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
            # Batches, snapshots and broadcasts of a big day; memory is taken only as it is used.
            "spark.driver.memory": os.environ.get("SPARK_DRIVER_MEMORY", "4g"),
            # A timestamp means the same on every machine.
            "spark.sql.session.timeZone": "UTC",
            "spark.driver.extraJavaOptions": " ".join(filter(None, jvm_options)),
            "spark.executor.extraJavaOptions": "-Duser.timezone=UTC",
            # An overflow, a bad cast or a division by zero is an error, never a null.
            "spark.sql.ansi.enabled": "true",
            # Batch work: nobody watches a web page, and a progress bar would garble stderr.
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            # A day is small beside Spark's defaults of 200 shuffle partitions, 50 for Delta's own snapshot
            # and up to 10,000 tasks for listing files: tiny queries cost seconds with those.
            "spark.sql.shuffle.partitions": parallelism,
            "spark.databricks.delta.snapshotPartitions": "2",
            "spark.sql.sources.parallelPartitionDiscovery.parallelism": parallelism,
            "spark.python.daemon.module": "lossledger.jobs.spark.workers",
            # Frames cross to Python as Arrow batches, not row by row.
            "spark.sql.execution.arrow.pyspark.enabled": "true",
            # No metastore: tables are addressed by path, and no derby.log or metastore_db is left behind.
            "spark.sql.catalogImplementation": "in-memory",
        }
        | _store()
        | (_cluster() if os.environ.get("SPARK_MASTER") else _one_machine())
    )


def _one_machine() -> dict[str, str]:
    # The driver talks to itself: a host name that does not resolve cannot stop a night, and no port is open to
    # the network.
    return {"spark.driver.bindAddress": "127.0.0.1", "spark.driver.host": "localhost"}


def _cluster() -> dict[str, str]:
    """What the environment says of a cluster. Secrets are not among it: settings stand on the driver's command line.

    The workers' containers have their own environment, with their own credentials of the store, and pass it on.
    """
    given = {
        # Where executors find the driver, where that is not what this machine calls itself.
        "spark.driver.host": os.environ.get("SPARK_DRIVER_HOST"),
        "spark.executor.memory": os.environ.get("SPARK_EXECUTOR_MEMORY"),
        "spark.executor.cores": os.environ.get("SPARK_EXECUTOR_CORES"),
        "spark.authenticate": "true" if os.environ.get(_SECRET) else None,
    }
    return {name: value for name, value in given.items() if value}


def _store() -> dict[str, str]:
    """Spark SQL on a store with an address of its own; the keys are read from the environment, here and there."""
    if not os.environ.get("AWS_ENDPOINT_URL"):
        return {}
    return {
        "spark.hadoop.fs.s3a.endpoint": os.environ["AWS_ENDPOINT_URL"],
        "spark.hadoop.fs.s3a.endpoint.region": os.environ.get("AWS_REGION", "us-east-1"),
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3.impl": "org.apache.hadoop.fs.s3a.S3AFileSystem",  # s3:// as everybody else calls it
    }


def spark_session(cores: int | None = None) -> "SparkSession":
    """The process's session, started at the first call (seconds); ConfigError without Java or the archives.

    `cores` counts at the first call only: a process has one session.
    """
    from pyspark import SparkConf, SparkContext
    from pyspark.logger import PySparkLogger
    from pyspark.sql import SparkSession

    running = SparkSession.getActiveSession()
    if running is not None:
        return running
    require_java()
    # Workers run this very interpreter. Only the environment decides that: the setting of the same name
    # comes too late, and without it workers take whatever python3 is on PATH.
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    if not os.environ.get("SPARK_MASTER"):
        # Spark warns when the machine's own host name is a loopback address.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    settings = spark_conf(cores)
    builder = SparkSession.builder
    for key, value in settings.items():
        builder = builder.config(key, value)
    # PySpark logs each query error once more as a line of JSON before it raises it.
    for name in ("SQLQueryContextLogger", "DataFrameQueryContextLogger"):
        PySparkLogger.getLogger(name).disabled = True
    with _without_jvm_banner():
        if secret := os.environ.get(_SECRET):
            # First the JVM, then the secret: what is set before stands in its command line.
            SparkContext._ensure_initialized(
                conf=SparkConf(loadDefaults=False).setAll(list(settings.items()))
            )
            builder = builder.config("spark.authenticate.secret", secret)
        return builder.getOrCreate()


@contextmanager
def _without_jvm_banner() -> Iterator[None]:
    """Let a JVM started inside write to stderr, but for the line about Spark's incubator modules.

    Java prints it before any setting is read, so it can only be taken out of the stream.
    """
    read_end, write_end = os.pipe()
    stderr = os.dup(2)
    restored = os.dup(2)
    os.dup2(write_end, 2)
    os.close(write_end)

    def pass_on() -> None:
        with os.fdopen(read_end, "rb") as lines, os.fdopen(stderr, "wb", buffering=0) as out:
            for line in lines:
                if not line.startswith(b"WARNING: Using incubator modules"):
                    out.write(line)

    Thread(target=pass_on, daemon=True, name="jvm-stderr").start()
    try:
        yield
    finally:
        os.dup2(restored, 2)
        os.close(restored)
