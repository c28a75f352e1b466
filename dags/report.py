"""The month's report: for the regulator and for the public, each verified as soon as it is made.

A report is a subprocess (`python -m lossledger.cli.main report`). The month is the run's partition key, YYYY-MM: on the
second of a month, after its night, the month before.

Settings, from the environment or, for one run, from its parameters of the same meaning: LOSSLEDGER_WAREHOUSE and
LOSSLEDGER_REPORTS (both required; a folder REPORTS/YYYY-MM/AUDIENCE is made), LOSSLEDGER_VENUE and LOSSLEDGER_DATA
(`real` or `generated`): what the tables do not say. From the environment only: LOSSLEDGER_PYTHON (default: this one)
and LOSSLEDGER_REPORT_SCHEDULE (cron, UTC, once a month). A date that is not published fails the run, unless its
parameter `allow_missing` is set: then the report tells it as missing. Where the report of the month before is
there, the new one tells what was restated since.
"""

import os
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from lossledger_dag import FAILURES as OF_THE_NIGHT
from lossledger_dag import module_command, run_command, setting, text_param
from lossledger_notice import tell_failure

SCHEDULE = os.environ.get("LOSSLEDGER_REPORT_SCHEDULE") or "0 6 2 * *"
AUDIENCES = ("regulator", "public")
FAILURES = OF_THE_NIGHT | {
    3: "the report was not made, or does not hold: correct what it names, then clear this task"
}


def month(context: Mapping[str, Any]) -> tuple[date, date]:
    """First and last date of the run's month: its partition key, else its parameter `month`."""
    text = context["dag_run"].partition_key or context["params"].get("month")
    if not text:
        raise AirflowFailException('no month: trigger by hand with the parameter {"month": "YYYY-MM"}')
    try:
        first = date.fromisoformat(f"{text[:7]}-01")
    except ValueError as error:
        raise AirflowFailException(f"{text!r} is no month: write YYYY-MM") from error
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def commands(audience: str, context: Mapping[str, Any]) -> list[list[str]]:
    """Make the report, then verify it."""
    first, last = month(context)
    program = module_command("lossledger.cli.main")
    warehouse = ["--warehouse", str(setting(context, "warehouse"))]
    reports = str(setting(context, "reports"))
    folder, before = (
        os.path.join(reports, f"{day:%Y-%m}", audience) for day in (first, first - timedelta(days=1))
    )
    report = [*program, "report", *warehouse, "--from", first.isoformat(), "--to", last.isoformat()]
    report += ["--audience", audience, "--out", folder]
    for name in ("venue", "data"):
        if value := setting(context, name, required=False):
            report += [f"--{name}", value]
    if os.path.exists(os.path.join(before, "manifest.json")):
        report += ["--previous", before]
    if context["params"].get("allow_missing"):
        report.append("--allow-missing")
    return [report, [*program, "verify-report", folder, *warehouse]]


@task
def make_report(audience: str) -> None:
    """The month's report for one audience. Repeating it is harmless: the same versions give the same bytes."""
    for command in commands(audience, get_current_context()):
        run_command(command, FAILURES)


with DAG(
    dag_id="lossledger_report",
    description="The report on the month before, for the regulator and for the public, verified",
    doc_md=__doc__,
    schedule=CronPartitionTimetable(SCHEDULE, timezone="UTC", run_offset=-1, key_format="%Y-%m"),
    catchup=False,
    max_active_runs=1,
    tags=["lossledger", "report"],
    params={
        "month": text_param("YYYY-MM, for a run by hand"),
        "allow_missing": Param(
            False, type="boolean", description="tell dates that are not published as missing"
        ),
        "warehouse": text_param("instead of LOSSLEDGER_WAREHOUSE"),
        "reports": text_param("instead of LOSSLEDGER_REPORTS"),
        "venue": text_param("instead of LOSSLEDGER_VENUE"),
        "data": text_param("instead of LOSSLEDGER_DATA"),
    },
    default_args={
        "owner": "lossledger",
        "retries": 3,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
        "on_failure_callback": tell_failure,
    },
) as dag:
    for name in AUDIENCES:
        make_report.override(task_id=name)(name)
