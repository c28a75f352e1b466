#!/usr/bin/env python3
"""`make stack-test`: nights on the running stack, with faults, and the same numbers as on a laptop each time.

Everything is delivered to and written below a prefix of its own, which is removed at the end; what a person has in
the store is not touched. Every step says what it found and how many seconds it took; the first that fails ends it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

from lossledger.cli.failure import leave
from lossledger.engine.errors import LossledgerError
from lossledger.store.places import place, remove_tree
from scripts.stack_deliver import deliver
from scripts.stacktest import faults, page, rows, secrets
from scripts.stacktest.airflow import Airflow
from scripts.stacktest.compose import ROOT, Failed, compose, memory_peaks, set_store, unhealthy
from scripts.stacktest.compose import secrets as env_of

DATES = (date(2025, 10, 10), date(2025, 10, 11))


class StackTest:
    """The steps, and what they hand on to each other."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.prefix = f"s3://lossledger/stack-test-{os.getpid()}"
        self.env = env_of()
        self.airflow = Airflow(
            compose("port", "api-server", "8080").strip(), self.env["AIRFLOW_ADMIN_PASSWORD"]
        )

    def ready(self) -> str:
        secrets.env_is_private(ROOT / ".env")
        if sick := unhealthy():
            raise Failed(f"not healthy: {', '.join(sick)}; run make stack")
        set_store(self.env)
        self.airflow.log_in()
        self.airflow.unpause()
        return "all healthy, a token taken"

    def on_a_laptop(self) -> str:
        """The demo and the busy market, by the command line on this machine's disk."""
        from lossledger.simulator.demo import write_demo

        write_demo(self.scratch / "landing")
        faults.generate(str(self.scratch / "busy"))
        for landing, warehouse, first, last in (
            ("landing", "laptop", DATES[0], DATES[1]),
            ("busy", "laptop-busy", faults.DAY, faults.DAY),
        ):
            self._run(landing, warehouse, first, last)
        return "two warehouses on disk"

    def _run(self, landing: str, warehouse: str, first: date, last: date) -> None:
        command = [".venv/bin/lossledger", "run", "--engine", "local"]
        command += ["--landing", str(self.scratch / landing), "--warehouse", str(self.scratch / warehouse)]
        command += ["--from", first.isoformat(), "--to", last.isoformat()]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True)

    def delivered(self) -> str:
        for name in ("landing", "busy"):
            deliver(self.scratch / name, f"{self.prefix}/{name}")
        return self.prefix

    def nights(self) -> str:
        """The crash demo, a date after the other, through the REST API."""
        seconds = []
        for day in DATES:
            run_id = self.airflow.trigger(
                business_date=day.isoformat(),
                landing=f"{self.prefix}/landing",
                warehouse=f"{self.prefix}/demo",
            )
            seconds.append(self.airflow.wait(run_id))
        return " and ".join(f"{s:.0f} s" for s in seconds)

    def hashes(self) -> str:
        for day in DATES:
            laptop = rows.published(str(self.scratch / "laptop"), day)
            stack = rows.published(f"{self.prefix}/demo", day)
            rows.expect_same(dict(laptop.table_sha256), dict(stack.table_sha256), f"{day}, as published")
        return f"{len(stack.table_sha256)} tables of each date have the laptop's hash"

    def by_delta_rs(self) -> str:
        for day in DATES:
            laptop = rows.read_by_delta_rs(self.scratch / "laptop", day)
            rows.expect_same(laptop, rows.read_by_delta_rs(f"{self.prefix}/demo", day), f"{day} by delta-rs")
        return "row for row"

    def by_spark(self) -> str:
        laptop = rows.read_by_delta_rs(self.scratch / "laptop", DATES[0])
        rows.expect_same(laptop, rows.read_by_spark(f"{self.prefix}/demo", DATES[0]), f"{DATES[0]} by Spark")
        return "row for row"

    def busy_hash(self) -> str:
        return rows.published(str(self.scratch / "laptop-busy"), faults.DAY).output_sha256

    def page(self) -> str:
        return page.run_all(
            {
                "demo/landing": str(self.scratch / "landing"),
                "s3://lossledger/landing": f"{self.prefix}/page",
                "s3://lossledger/warehouse": f"{self.prefix}/demo",
            }
        )

    def memory(self) -> str:
        peaks = memory_peaks()
        return ", ".join(f"{name} {peak} of {limit} MiB" for name, (peak, limit) in peaks.items())

    def leave(self) -> None:
        """The stack as it was found, as far as it answers."""
        with suppress(Failed, LossledgerError, OSError):
            self.airflow.leave()
        with suppress(LossledgerError, OSError):
            remove_tree(place(self.prefix))

    def steps(self) -> list[faults.Step]:
        first: list[faults.Step] = [
            ("the stack is ready", self.ready),
            ("the same dates by the command line on this machine", self.on_a_laptop),
            ("landing zones delivered to the store", self.delivered),
            ("the crash demo through Airflow's REST API", self.nights),
            ("content hashes of what is published", self.hashes),
            ("read back with delta-rs", self.by_delta_rs),
            ("read back with Spark SQL on the cluster", self.by_spark),
        ]
        busy = faults.steps(faults.Busy(self.airflow, self.prefix, self.busy_hash))
        last: list[faults.Step] = [
            ("peak memory, page cache included", self.memory),
            ("every command of docs/operations.md", self.page),
            ("secrets searched for", lambda: secrets.search(self.env)),
        ]
        return first + busy + last


def timed(name: str, step: Callable[[], str]) -> None:
    """Run a step and print its line."""
    began = time.monotonic()
    found = step()
    print(f"{time.monotonic() - began:7.1f} s  {name}: {found}", flush=True)


def main() -> int:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="stack-test-") as folder:
        try:
            test = StackTest(Path(folder))
            try:
                for name, step in test.steps():
                    timed(name, step)
            finally:
                test.leave()
        except (Failed, LossledgerError, OSError) as error:
            print(f"stack-test: {error}", file=sys.stderr)
            return 1
    print(f"{time.monotonic() - began:7.1f} s  stack-test: passed")
    return 0


if __name__ == "__main__":
    leave(main())
