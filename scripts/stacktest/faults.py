"""Nights on a market of a million rows, undisturbed and with something taken away in their middle."""

import subprocess
import time
from collections.abc import Callable
from datetime import date

from scripts.stacktest.airflow import Airflow
from scripts.stacktest.compose import Failed, busy_worker, compose, exit_code, wait, wait_healthy
from scripts.stacktest.rows import held, published

DAY = date(2025, 10, 10)
SECONDS_AWAY = 20


class Busy:
    """The busy market's date, run into a warehouse of its own by every fault, to one and the same output hash."""

    def __init__(self, airflow: Airflow, prefix: str, expected: Callable[[], str]) -> None:
        """`expected`: the output hash of the same date on a laptop."""
        self._airflow, self._prefix, self._expected = airflow, prefix, expected
        self._undisturbed = 0.0

    def _start(self, name: str) -> str:
        return self._airflow.trigger(
            business_date=DAY.isoformat(),
            landing=f"{self._prefix}/busy",
            warehouse=f"{self._prefix}/{name}",
        )

    def _finish(self, run_id: str, name: str) -> str:
        seconds = self._airflow.wait(run_id)
        found = published(f"{self._prefix}/{name}", DAY).output_sha256
        if found != self._expected():
            raise Failed(f"{name}: published {found}, and not {self._expected()} as on a laptop")
        self._undisturbed = self._undisturbed or seconds
        return f"night of {seconds:.0f} s, {seconds - self._undisturbed:+.0f} s; output as on a laptop"

    def _wait_running(self, run_id: str, task: str) -> None:
        wait(f"{task} runs", lambda: self._airflow.state(run_id, task) == "running", 600)

    def undisturbed(self) -> str:
        return self._finish(self._start("undisturbed"), "undisturbed")

    def worker_killed(self) -> str:
        """Every process of a worker, while it runs a task of the replay."""
        run_id = self._start("worker")
        self._wait_running(run_id, "recompute")
        worker = busy_worker()
        compose("exec", "-T", worker, "sh", "-c", "kill -9 -1", check=False)
        said = self._finish(run_id, "worker")
        wait_healthy()
        return said

    def scheduler_and_database_restarted(self) -> str:
        run_id = self._start("restarted")
        self._wait_running(run_id, "load")
        compose("restart", "postgres")
        self._wait_running(run_id, "recompute")
        compose("restart", "scheduler")
        said = self._finish(run_id, "restarted")
        wait_healthy()
        return said

    def store_away(self) -> str:
        """Its answers stop in the middle of the load, and come again."""
        run_id = self._start("store")
        self._wait_running(run_id, "load")
        busy_worker()
        compose("pause", "store")
        time.sleep(SECONDS_AWAY)  # the length of the fault, not a guess
        compose("unpause", "store")
        return self._finish(run_id, "store")

    def two_at_once(self) -> str:
        """Two runs of the DAG: the second waits. A run by hand beside the first: refused."""
        runs = [self._start("twice"), self._start("twice")]
        self._wait_running(runs[0], "recompute")
        wait("the warehouse is held", lambda: held(f"{self._prefix}/twice"), 60, 0.1)
        code, line = self._by_hand("twice")
        if code != 4:
            raise Failed(f"a run beside a night ended with {code} and not 4: {line}")
        both = self._watch(runs)
        said = [self._finish(run_id, "twice") for run_id in runs]
        return f"by hand refused ({line[:70]}…); the second waited: {both}; {said[0]}"

    def _by_hand(self, name: str) -> tuple[int, str]:
        where = ["--landing", f"{self._prefix}/busy", "--warehouse", f"{self._prefix}/{name}"]
        dates = ["--from", DAY.isoformat(), "--to", DAY.isoformat()]
        return exit_code("run", "--rm", "-T", "job", "lossledger", "run", *where, *dates)

    def _watch(self, runs: list[str]) -> str:
        """Until the first has ended; Failed when both run at once."""
        while not self._airflow.ended(runs[0]):
            # the second first: the first may end, and the second begin, between the two questions
            states = [self._airflow.run(run_id)["state"] for run_id in reversed(runs)]
            if states == ["running", "running"]:
                raise Failed("two nights run at once")
            time.sleep(2)
        return "never both"


Step = tuple[str, Callable[[], str]]


def steps(busy: Busy) -> list[Step]:
    """In this order: the first says how long a night takes when nothing happens."""
    return [
        ("a night of a million rows on two workers", busy.undisturbed),
        ("a Spark worker killed in the replay", busy.worker_killed),
        (
            "PostgreSQL restarted in the load, the scheduler in the replay",
            busy.scheduler_and_database_restarted,
        ),
        (f"the store away for {SECONDS_AWAY} s in the load", busy.store_away),
        ("a second night at once", busy.two_at_once),
    ]


def generate(folder: str) -> None:
    """The busy market: a date of 1.3 million rows."""
    subprocess.run(
        [".venv/bin/lossledger", "simulate", "--landing", folder, "--seed", "1", "--accounts", "2500",
         "--days", "1", "--instruments", "10", "--tick-seconds", "30", "--prices", "jumps", "--format", "parquet",
         "--trades-per-account-day", "40", "--copies", "7",
         "--fund-opening", "USDT=1000000000", "--fund-opening", "BTC=100000"],
        check=True, capture_output=True,
    )  # fmt: skip
