"""The night: every stage of the business date that has just closed, in order, one process per stage.

Settings, from the environment or, for one run, from its parameters of the same meaning:
LOSSLEDGER_LANDING, LOSSLEDGER_WAREHOUSE (both required), LOSSLEDGER_POLICY (default: policy.yaml of the
landing zone). From the environment only: LOSSLEDGER_PYTHON (the jobs' interpreter, default: this one);
LOSSLEDGER_SCHEDULE (cron, UTC, once a day), which moves the night when the policy's sessions do not start
at 00:00: "30 8 * * *" for 08:00; LOSSLEDGER_RETRY_SECONDS (between the tries of a stage, default: 300); and what
lossledger_notice.py lists. Whether a date is late is told by another DAG, late.py.

A date that is published is an event of the asset `lossledger_published_date`, its partition key the date.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from airflow.sdk import (
    DAG,
    Asset,
    CronPartitionTimetable,
    get_current_context,
    task,
)
from lossledger_dag import (
    NIGHTLY,
    SCHEDULE,
    business_date,
    module_command,
    run_command,
    setting,
    text_param,
    tries,
)
from lossledger_notice import tell_failure
from lossledger_turn import STAGES, waits_for

PUBLISHED_DATE = Asset(
    "lossledger_published_date", extra={"what": "a business date that readers of the warehouse can see"}
)
DOCS = {
    "load": "Waits for its turn, then takes what was delivered for the date into `raw` and `ledger`. "
    "Rejected rows go to `ledger.quarantine`.",
    "recompute": "Replays the session: positions, wallets, margin, who was liquidated and who fell below zero.",
    "attribute": "Says who paid: causes, the insurance fund's draws, what each account is charged.",
    "check": "Great Expectations and the reconciliation. Code 3: the date is **not** published, see "
    "`lossledger status`; after the correction clear the run from `load`.",
    "publish": "Puts the date in place of what stood there and commits it for readers, in one transaction.",
}
log = logging.getLogger(__name__)


def stage_command(stage: str, context: Mapping[str, Any]) -> list[str]:
    """The command line of one stage of the run's business date."""
    command = module_command("lossledger.cli.stage", stage)
    command += ["--landing", str(setting(context, "landing"))]
    command += ["--warehouse", str(setting(context, "warehouse"))]
    command += ["--business-date", business_date(context)]
    command += ["--asked-by", context["dag_run"].run_id]
    for option, value in (
        ("--policy", setting(context, "policy", required=False)),
        ("--to", context["params"].get("to")),
    ):
        command += [option, value] if value else []
    return command


# One load at a time, whatever kind of run it is of: nobody takes a turn while another is just asking for it.
@task.sensor(mode="reschedule", poke_interval=60, timeout=timedelta(days=1), max_active_tis_per_dag=1)
def load() -> bool:
    """Ask for the turn; then load. Waiting takes no worker and none of the tries."""
    context = get_current_context()
    command = stage_command("load", context)  # what is wrong with the run is told at once
    run, ask = context["dag_run"], context["ti"]
    runs = ask.get_task_states(run.dag_id, task_ids=list(STAGES))
    reason = waits_for(run.run_id, runs, lambda other: ask.get_dagrun_state(run.dag_id, other))
    if reason:
        log.info("waits: %s", reason)
        return False
    run_command(command)
    return True


@task
def run_stage(stage: str) -> None:
    """One stage of the night. Repeating it is harmless: a stage replaces its date."""
    run_command(stage_command(stage, get_current_context()))


@task(outlets=[PUBLISHED_DATE])
def publish() -> None:
    """The last stage, and the event for which the DAGs of others wait."""
    context = get_current_context()
    run_command(stage_command("publish", context))
    context["outlet_events"][PUBLISHED_DATE].add_partitions(business_date(context))


with DAG(
    dag_id=NIGHTLY,
    description="Load, recompute, attribute, check and publish one business date",
    doc_md=__doc__,
    # Half an hour after a session has ended, for the date on which it began: that is the partition key.
    schedule=CronPartitionTimetable(SCHEDULE, timezone="UTC", run_offset=-1, key_format="%Y-%m-%d"),
    catchup=False,
    # A date starts from the close of the date before it. Backfills are counted apart: see lossledger_turn.
    max_active_runs=1,
    tags=["lossledger", "nightly"],
    params={
        "business_date": text_param("YYYY-MM-DD, for a run by hand"),
        "to": text_param("YYYY-MM-DD: the last date of the range that this run is one of"),
        "landing": text_param("instead of LOSSLEDGER_LANDING"),
        "warehouse": text_param("instead of LOSSLEDGER_WAREHOUSE"),
        "policy": text_param("instead of LOSSLEDGER_POLICY"),
    },
    default_args={
        "owner": "lossledger",
        # Only a conflict gets here, such as maintenance that holds the warehouse, or a process that was killed.
        **tries(),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": tell_failure,
    },
) as dag:
    previous = load.override(doc_md=DOCS["load"])()
    for name in STAGES[1:-1]:
        current = run_stage.override(task_id=name, doc_md=DOCS[name])(name)
        previous >> current
        previous = current
    previous >> publish.override(doc_md=DOCS["publish"])()
