"""Runs a command and says what it took: time, processor time and memory of all its processes together."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

SAMPLE_SECONDS = 0.1
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class Measured(NamedTuple):
    """How it ended (`done`, `out of time`, `out of memory`, `failed`), and what it took.

    Memory is the largest sum of PSS (shared pages counted once over the processes that share them) in samples
    a tenth of a second apart, or more where taking one costs above a thirtieth of the time. Processor seconds
    are those of the processes as last sampled, or what the system says of those that were waited for, whichever
    is more.
    """

    outcome: str
    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str = ""


class Process(NamedTuple):
    """As the system tells it now."""

    pid: int
    session: int
    cpu_seconds: float


def measure(command: list[str], log: Path, limit_seconds: float, limit_bytes: float) -> Measured:
    """Run to the end, or until a limit is passed; what it prints goes to `log`."""
    with log.open("w", encoding="utf-8") as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        peak, cpu, outcome = 0, dict[int, float](), ""
        while not _ended(child.pid):
            looked = time.perf_counter()
            used = 0
            for process in family(child.pid):
                used += pss(process.pid)
                cpu[process.pid] = process.cpu_seconds
            peak = max(peak, used)
            if time.perf_counter() - began > limit_seconds:
                outcome = "out of time"
            elif used > limit_bytes:
                outcome = "out of memory"
            if outcome:
                break
            # looking at many pages takes time: it must not take it from what is measured
            time.sleep(max(SAMPLE_SECONDS, 30 * (time.perf_counter() - looked)))
        if outcome:
            _kill(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    waited = usage.ru_utime + usage.ru_stime
    told = log.read_text(encoding="utf-8", errors="replace")[-2000:]
    outcome = outcome or ("failed" if child.returncode else "done")
    return Measured(outcome, seconds, max(waited, sum(cpu.values())), peak, told)


def _ended(pid: int) -> bool:
    """Whether it can be waited for; it stays so, for its own usage is asked for afterwards."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _kill(pid: int) -> None:
    """End the family, those included that it starts meanwhile."""
    while running := list(family(pid)):
        for process in running:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.01)


def family(pid: int) -> Iterator[Process]:
    """Every running process of the session that began with `pid`, and what they started in sessions of their own."""
    found, parents = {}, {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has ended meanwhile
            number = int(entry.name)
            parents[number] = int(fields[1])
            if fields[0] in "ZX":
                continue  # it has ended, and is only to be waited for
            cpu = (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND
            found[number] = Process(number, int(fields[3]), cpu)
    for process in found.values():
        above = process.pid
        while above in parents and above != pid:
            above = parents[above]
        if process.session == pid or above == pid:
            yield process


def pss(pid: int) -> int:
    """Bytes of a process, of what it shares its part; 0 when it has ended."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    lines = [line.split() for line in rollup.splitlines() if line.startswith("Pss:")]
    return sum(int(line[1]) for line in lines) * 1024
