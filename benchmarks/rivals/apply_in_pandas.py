"""The replay alone as Spark users write it: one call of the compiled loop for every unit, by `applyInPandas`.

usage: python -m benchmarks.rivals.apply_in_pandas SORTED OUT

SORTED is what `polars_numba` has left: its sorted rows, and the terms of the market. The kernel is the same. It
does no more than that kernel does; the session's start is not part of the stage that it times.
"""

import json
import os
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import pandas as pd

from benchmarks.rivals.kernel import FIGURES, Terms, replay
from benchmarks.rivals.polars_numba import KERNEL_COLUMNS
from benchmarks.rivals.terms import integers


def replay_one(rows: pd.DataFrame, terms: Terms, slots: int, protected: np.ndarray) -> pd.DataFrame:
    rows = rows.sort_values("row")  # the shuffle has taken the order away
    columns = [integers(rows[name]) for name in KERNEL_COLUMNS]
    units, found, _, _ = replay(terms, *columns, protected[columns[0] // slots])
    return pd.DataFrame({"unit": units, **{name: found[:, at] for at, name in enumerate(FIGURES)}})


def main(rows: Path, out: Path) -> None:
    os.environ["PYSPARK_PYTHON"] = sys.executable
    from pyspark.sql import SparkSession

    session = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = session.config("spark.driver.memory", "4g").config("spark.driver.bindAddress", "127.0.0.1")
    session = session.config("spark.sql.shuffle.partitions", "16").config("spark.driver.host", "localhost")
    spark = session.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    with np.load(rows / "terms.npz") as kept:
        terms = Terms(*(kept[name] for name in Terms._fields))
        slots, protected = int(kept["slots"]), kept["protected"]
    began = perf_counter()
    schema = "unit long, " + ", ".join(f"{name} long" for name in FIGURES)
    ledger = spark.read.parquet(str(rows / "ledger")).select("row", *KERNEL_COLUMNS)
    replayed = ledger.groupBy("unit").applyInPandas(
        lambda part: replay_one(part, terms, slots, protected), schema=schema
    )
    replayed.write.parquet(str(out / "figures"))
    (out / "stages.json").write_text(json.dumps({"replay": perf_counter() - began}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
