"""What the DAGs of this folder share: settings, the jobs as processes of their own, and which failures are tried again.

It imports the Airflow SDK and the standard library only, so that parsing is quick and the jobs may live in an
environment, or an image, of their own.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowException, AirflowFailException

NIGHTLY = "lossledger_nightly"
SCHEDULE = os.environ.get("LOSSLEDGER_SCHEDULE") or "30 0 * * *"  # the night's
CONFLICT = 4  # exit code of a conflict or a passing fault: the only one that a retry can mend
FAILURES = {
    2: "wrong arguments or configuration: correct them, then clear this task",
    3: "a data check failed and the date is not published: see the checks, then clear from load",
}
KILLED = (
    "the process was killed by signal {}, as when memory runs out (9): clear this task once that is mended"
)
log = logging.getLogger(__name__)


def tries() -> dict[str, Any]:
    """How a passing fault is tried again: for an hour, LOSSLEDGER_RETRY_SECONDS apart (300)."""
    text = os.environ.get("LOSSLEDGER_RETRY_SECONDS") or "300"
    if not text.isdigit() or not int(text):
        raise ValueError(f"LOSSLEDGER_RETRY_SECONDS is {text!r}, and not a number of seconds")
    return {"retries": max(1, 3600 // int(text)), "retry_delay": timedelta(seconds=int(text))}


def text_param(description: str) -> Param:
    """A parameter that may be left out."""
    return Param(None, type=["null", "string"], description=description)


def business_date(context: Mapping[str, Any]) -> str:
    """The date to run, YYYY-MM-DD: the run's partition key, else its parameter `business_date`."""
    key = context["dag_run"].partition_key
    asked = context["params"].get("business_date")
    if key and asked and key != asked:
        raise AirflowFailException(
            f"the run is for partition {key}, its parameter business_date says {asked}"
        )
    if not key and not asked:
        raise AirflowFailException(
            "no business date: a scheduled or backfilled run has one as its partition key; "
            'trigger by hand with the parameter {"business_date": "YYYY-MM-DD"}'
        )
    try:
        return date.fromisoformat(key or asked).isoformat()
    except ValueError as error:
        raise AirflowFailException(f"{key or asked!r} is no date: write YYYY-MM-DD") from error


def setting(context: Mapping[str, Any], name: str, required: bool = True) -> str | None:
    """A folder or file of the run: its parameter, else the environment variable LOSSLEDGER_<NAME>."""
    value = context["params"].get(name) or os.environ.get(f"LOSSLEDGER_{name.upper()}")
    if required and not value:
        raise AirflowFailException(f"set LOSSLEDGER_{name.upper()}, or give the run the parameter {name}")
    return value


def module_command(module: str, *words: str) -> list[str]:
    """The command line of one of the project's modules, in the jobs' interpreter."""
    return [os.environ.get("LOSSLEDGER_PYTHON") or sys.executable, "-m", module, *words]


def run_command(command: list[str], failures: Mapping[int, str] = FAILURES) -> str:
    """Run a command, its output in the task's log: its last line. Only a conflict is left to Airflow's retries.

    `failures`: what an exit code means for whoever looks after the run.
    """
    last = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            for line in process.stdout or ():
                last = line.strip() or last
                log.info(line.rstrip())
        except BaseException:
            process.terminate()  # a killed or timed-out task leaves no writer behind
            raise
    code = process.returncode
    if code == CONFLICT:
        raise AirflowException(f"conflict or passing fault, will be tried again: {last}")
    if code < 0:
        raise AirflowFailException(f"{KILLED.format(-code)}: {last or 'it printed nothing'}")
    if code != 0:
        raise AirflowFailException(f"{failures.get(code, f'ended with code {code}')}: {last}")
    return last
