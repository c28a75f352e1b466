"""The stack as Docker sees it, and the waiting for what is to be seen there: no blind sleeps."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

ROOT = Path(__file__).resolve().parents[2]
WORKERS = ("spark-worker-1", "spark-worker-2")
T = TypeVar("T")


class Failed(Exception):
    """A step did not find what it must find; one line."""


def compose(*words: str, check: bool = True, given: str | None = None) -> str:
    """Run a command of docker compose; its output. Failed with the end of what it said otherwise."""
    command = ["docker", "compose", *words]
    run = subprocess.run(command, cwd=ROOT, input=given, capture_output=True, text=True, check=False)
    if check and run.returncode:
        raise Failed(f"{' '.join(command)} ended with {run.returncode}: {(run.stdout + run.stderr)[-2000:]}")
    return run.stdout + ("" if check else run.stderr)


def exit_code(*words: str) -> tuple[int, str]:
    """How a command of docker compose ended, and the last line that it said."""
    run = subprocess.run(["docker", "compose", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return run.returncode, (run.stdout + run.stderr).strip().rpartition("\n")[2]


def secrets() -> dict[str, str]:
    """What `make stack-env` wrote."""
    lines = (ROOT / ".env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def store_environment(env: Mapping[str, str]) -> dict[str, str]:
    """How programs of this machine reach the store."""
    return {
        "AWS_ENDPOINT_URL": f"http://{compose('port', 'store', '7070').strip()}",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": env["STORE_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": env["STORE_SECRET_KEY"],
    }


def wait(what: str, look: Callable[[], T | None], seconds: float = 300, every: float = 1) -> T:
    """What `look` finds, as soon as it finds something; Failed when it does not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(every)
    raise Failed(f"{what}: not within {seconds:.0f} s")


def unhealthy() -> list[str]:
    """Services that are not up and healthy, one-shots aside."""
    lines = compose("ps", "--all", "--format", "json").splitlines()
    found = [json.loads(line) for line in lines]
    return [s["Service"] for s in found if s["Health"] != "healthy" and s["ExitCode"] != 0] + [
        s["Service"] for s in found if s["State"] == "running" and s["Health"] != "healthy"
    ]


def wait_healthy() -> None:
    wait("all healthy again", lambda: not unhealthy(), 180)


def busy_worker(seconds: float = 300) -> str:
    """The first Spark worker that runs Python tasks of ours; they may do so for a second or two only."""
    # in brackets, or it would find itself
    script = "until grep -qs '[p]yspark.worker' /proc/[0-9]*/cmdline; do sleep 0.1; done"
    look = ["timeout", f"{seconds:.0f}", "sh", "-c", script]
    looking = {
        w: subprocess.Popen(
            ["docker", "compose", "exec", "-T", w, *look],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for w in WORKERS
    }
    try:
        return wait(
            "a worker is at work",
            lambda: next((worker for worker, p in looking.items() if p.poll() == 0), None),
            seconds,
            0.1,
        )
    finally:
        for process in looking.values():
            process.kill()
            process.wait()


def memory_peaks() -> dict[str, tuple[int, int]]:
    """Peak and limit of every running service in MiB, the page cache of its files included."""
    script = (
        "cat /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory.max 2>/dev/null || "
        "cat /sys/fs/cgroup/memory/memory.max_usage_in_bytes /sys/fs/cgroup/memory/memory.limit_in_bytes"
    )
    peaks = {}
    for service in compose("ps", "--services", "--status", "running").split():
        numbers = compose("exec", "-T", service, "sh", "-c", script).split()
        peaks[service] = (int(numbers[0]) >> 20, int(numbers[1]) >> 20)
    return peaks


def set_store(env: Mapping[str, str]) -> None:
    """From here on this process reads the store as the stack does."""
    os.environ.update(store_environment(env))
