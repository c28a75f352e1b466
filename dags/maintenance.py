"""Maintenance, once a week: small files made few, and what no version that was ever published names removed.

LOSSLEDGER_WAREHOUSE says where; LOSSLEDGER_MAINTENANCE_SCHEDULE (cron, UTC) when, at an hour at which no night
runs. It holds the warehouse meanwhile: a stage that comes at that time is tried again some minutes later.
"""

import os
from datetime import timedelta

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task
from lossledger_dag import module_command, run_command, setting, text_param, tries
from lossledger_notice import tell_failure

SCHEDULE = os.environ.get("LOSSLEDGER_MAINTENANCE_SCHEDULE") or "0 12 * * 0"


@task(doc_md="`lossledger maintain`; the log says how many files and bytes were freed.")
def maintain() -> None:
    """One process; it can be broken off at any time and started again."""
    context = get_current_context()
    words = ["maintain", "--warehouse", str(setting(context, "warehouse"))]
    words += ["--older-than", str(context["params"]["older_than"])]
    run_command(module_command("lossledger.cli.main", *words, *["--dry-run"] * context["params"]["dry_run"]))


with DAG(
    dag_id="lossledger_maintenance",
    description="Compact small files and remove what nobody can ask for",
    doc_md=__doc__,
    schedule=CronTriggerTimetable(SCHEDULE, timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    tags=["lossledger", "maintenance"],
    params={
        "warehouse": text_param("instead of LOSSLEDGER_WAREHOUSE"),
        "older_than": Param(7, type="integer", minimum=1, description="days: what is younger is kept"),
        "dry_run": Param(False, type="boolean", description="only say what would be done"),
    },
    default_args={
        "owner": "lossledger",
        **tries(),
        "execution_timeout": timedelta(hours=3),
        "on_failure_callback": tell_failure,
    },
) as dag:
    maintain()
