#!/usr/bin/env python3
"""The parts of Airflow on one machine, ended together: by Ctrl-C, by a signal, or when one of them ends.

`airflow standalone` starts the same parts, but passes an end on to some of them only (Airflow 3.3), and its log
servers listen on every address, which no setting changes. Here the logs are read from the files they are in.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

PARTS = (
    ("scheduler", "--skip-serve-logs"),
    ("dag-processor",),
    ("api-server",),
    ("triggerer", "--skip-serve-logs"),
)
SECONDS_TO_END = 15  # then they are killed
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ended(Exception):
    """A signal said so."""


def main() -> int:
    """Start the parts, wait until one ends or a signal comes, and leave nothing behind."""
    for number in SIGNALS:
        signal.signal(number, _end)
    started: list[subprocess.Popen[bytes]] = []
    try:
        for part in PARTS:
            # a session of its own: Ctrl-C reaches this process alone, while the tree below it is whole
            started.append(subprocess.Popen(["airflow", *part], start_new_session=True))
        while all(process.poll() is None for process in started):
            time.sleep(0.5)
        gone, code = next((p.args, p.returncode) for p in started if p.poll() is not None)
        sys.stderr.write(f"{' '.join(map(str, gone))} ended with code {code}: ending the others\n")
        return 1
    except Ended:
        return 0
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not leave half of them
        _end_all(started)


def _end(number: int, frame: object) -> None:
    raise Ended


def _end_all(started: list[subprocess.Popen[bytes]]) -> None:
    """Every process below this one, and what a part that has ended by itself left in its session."""
    sessions = {process.pid for process in started}
    below = psutil.Process().children(recursive=True)
    left = set(below) | {process for process in psutil.process_iter() if _session(process) in sessions}
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        left = set(psutil.wait_procs(left, timeout=SECONDS_TO_END)[1])


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
