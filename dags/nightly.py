"""The night: every stage of the business date that has just closed, in order, one process per stage.

The file imports the Airflow SDK and the standard library only: a stage is a subprocess (`python -m
cli.stage`), so parsing is quick and the jobs may live in an environment, or an image, of their own.

Settings, from the environment or, for one run, from its parameters of the same meaning:
LOSSLEDGER_LANDING, LOSSLEDGER_WAREHOUSE (both required), LOSSLEDGER_POLICY (default: policy.yaml of the
landing zone). From the environment only: LOSSLEDGER_PYTHON (the jobs' interpreter, default: this one) and
LOSSLEDGER_SCHEDULE (cron, UTC, once a day), which moves the night when the policy's sessions do not start
at 00:00: "30 8 * * *" for 08:00.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException

STAGES = ("load", "recompute", "attribute", "check", "publish")
SCHEDULE = os.environ.get("LOSSLEDGER_SCHEDULE") or "30 0 * * *"
CONFLICT = 4  # exit code of a conflict or a passing fault: the only one that a retry can mend
FAILURES = {
    2: "wrong arguments or configuration: correct them, then clear this task",
    3: "a data check failed and the date is not published: see the checks, then clear from load",
}
log = logging.getLogger(__name__)


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


def stage_command(stage: str, context: Mapping[str, Any]) -> list[str]:
    """The command line of one stage of the run's business date."""
    command = [os.environ.get("LOSSLEDGER_PYTHON") or sys.executable, "-m", "cli.stage", stage]
    command += ["--landing", str(setting(context, "landing"))]
    command += ["--warehouse", str(setting(context, "warehouse"))]
    command += ["--business-date", business_date(context)]
    policy = setting(context, "policy", required=False)
    return command + (["--policy", policy] if policy else [])


def run_command(command: list[str]) -> None:
    """Run a stage, its output in the task's log; only a conflict is left to Airflow's retries."""
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
    if code != 0:
        raise AirflowFailException(f"{FAILURES.get(code, f'ended with code {code}')}: {last}")


@task
def run_stage(stage: str) -> None:
    """One stage of the night. Repeating it is harmless: a stage replaces its date."""
    run_command(stage_command(stage, get_current_context()))


with DAG(
    dag_id="lossledger_nightly",
    description="Load, recompute, attribute, check and publish one business date",
    doc_md=__doc__,
    # Half an hour after a session has ended, for the date on which it began: that is the partition key.
    schedule=CronPartitionTimetable(SCHEDULE, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
    catchup=False,
    # A date starts from the close of the date before it, and a warehouse has one writer.
    max_active_runs=1,
    tags=["lossledger", "nightly"],
    params={
        "business_date": Param(None, type=["null", "string"], description="YYYY-MM-DD, for a run by hand"),
        "landing": Param(None, type=["null", "string"], description="instead of LOSSLEDGER_LANDING"),
        "warehouse": Param(None, type=["null", "string"], description="instead of LOSSLEDGER_WAREHOUSE"),
        "policy": Param(None, type=["null", "string"], description="instead of LOSSLEDGER_POLICY"),
    },
    default_args={
        "owner": "lossledger",
        # Tries for an hour: only a conflict gets here, such as a backfill that holds the warehouse.
        "retries": 12,
        "retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=3),
    },
) as dag:
    previous = None
    for name in STAGES:
        current = run_stage.override(task_id=name)(name)
        if previous is not None:
            previous >> current
        previous = current
