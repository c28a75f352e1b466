"""A small day: ratios within one run, beside what a user would pick instead. Losses are reported too.

python -m benchmarks.small_day [--rounds N]

Rounds are interleaved (A B A B …); the minimum, median and maximum of each are printed, and the ratio of the
medians. Seconds do not travel between machines, ratios do.
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from time import perf_counter

from benchmarks.rivals.float_script import first_breaches
from lossledger.jobs.run import Request, run
from lossledger.jobs.spark.mapper import InProcess, Mapper, OnSpark
from lossledger.schemas.attribution import LIQUIDATIONS
from lossledger.store.warehouse import Warehouse


def interleaved(rounds: int, **contenders: Callable[[], object]) -> dict[str, list[float]]:
    """Seconds of every round of every contender."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            started = perf_counter()
            contender()
            seconds[name].append(perf_counter() - started)
    return seconds


def report(title: str, seconds: dict[str, list[float]]) -> None:
    print(f"\n{title}")
    first = statistics.median(next(iter(seconds.values())))
    for name, values in seconds.items():
        middle = statistics.median(values)
        spread = f"{min(values):8.3f} {middle:8.3f} {max(values):8.3f} s"
        print(f"  {name.replace('_', ' '):<34} {spread}   {middle / first:6.2f}")


def market(landing: Path, accounts: int) -> tuple[date, date]:
    """A generated crash: deterministic, with recorded liquidations."""
    from lossledger.simulator.config import MarketConfig
    from lossledger.simulator.simulate import simulate

    summary = simulate(
        MarketConfig(seed=7, accounts=accounts, days=2, instruments=3, tick_seconds=60), landing
    )
    return summary.first, summary.last


def compare_mappers(folder: Path, landing: Path, days: tuple[date, date], rounds: int) -> None:
    """The same dates with and without Spark: what Spark costs on a small day."""
    counter = iter(range(1000))

    def once(mapper: Mapper) -> None:
        list(run(Request(landing, folder / f"warehouse-{next(counter)}", *days, mapper)))

    spark = OnSpark(2, much=0)
    once(spark)  # the session's start is not what is compared
    seconds = interleaved(rounds, one_process=lambda: once(InProcess(1)), spark_two_tasks=lambda: once(spark))
    report("two dates from landing zone to published tables (session already started)", seconds)


def compare_with_rival(folder: Path, landing: Path, days: tuple[date, date], rounds: int) -> None:
    """Finding who is liquidated: ours from landing zone to table, and a vectorised script in floats."""
    warehouse = folder / "rival"
    list(run(Request(landing, warehouse, *days, InProcess(1))))
    rows = Warehouse(warehouse).read(LIQUIDATIONS).to_pylist()
    ours = {
        (r["account_id"], r["currency"]) for r in rows if r["isolation"] == "" and r["trigger"] == "margin"
    }
    theirs = first_breaches(landing)
    print(
        f"\ncross units that ever breach: exact {len(ours)}, float script {len(theirs)}, both {len(ours & theirs)}"
    )
    counter = iter(range(1000))
    seconds = interleaved(
        rounds,
        float_script_first_breach_only=lambda: first_breaches(landing),
        lossledger_everything=lambda: list(
            run(Request(landing, folder / f"ours-{next(counter)}", *days, InProcess(1)))
        ),
    )
    report("who is liquidated", seconds)


def compare_commits(folder: Path, rounds: int) -> None:
    """Replacing one date of a ten-row table, by delta-rs and by Spark."""
    import pyarrow as pa
    from deltalake import write_deltalake

    from lossledger.jobs.spark.session import spark_session

    spark = spark_session()
    data = pa.table({"business_date": ["2025-10-10"] * 10, "amount": list(range(10))})
    rs, by_spark = str(folder / "rs"), str(folder / "spark")
    write_deltalake(rs, data, partition_by=["business_date"])
    frame = spark.createDataFrame([("2025-10-10", n) for n in range(10)], "business_date string, amount long")
    where = "business_date = '2025-10-10'"
    frame.write.format("delta").partitionBy("business_date").save(by_spark)

    def with_spark() -> None:
        frame.write.format("delta").mode("overwrite").option("replaceWhere", where).save(by_spark)

    with_spark()
    seconds = interleaved(
        rounds,
        delta_rs=lambda: write_deltalake(rs, data, mode="overwrite", predicate=where),
        delta_spark=with_spark,
    )
    report("replacing one date of a ten-row table", seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ratios of one run, side by side.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--accounts", type=int, default=150)
    args = parser.parse_args()
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        days = market(folder / "landing", args.accounts)
        print(
            f"market: {args.accounts} accounts, 2 days, 3 instruments, a tick a minute; min, median, max, ratio"
        )
        compare_with_rival(folder, folder / "landing", days, args.rounds)
        compare_mappers(folder, folder / "landing", days, args.rounds)
        compare_commits(folder, args.rounds)


if __name__ == "__main__":
    main()
